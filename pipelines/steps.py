"""Steps of flows: Prefect tasks whose results are cached by the digest of their inputs, and artefacts for its pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from prefect import State, Task, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import TaskRun
from prefect.context import TaskRunContext

from domain.errors import NboError
from pipelines.reuse import REUSED
from storage.digests import code_digest, digest_of

__all__ = ["StepResult", "code_digest", "digest_of", "do", "kept_step", "may_pass", "retried_task"]

P = ParamSpec("P")
R = TypeVar("R")

MADE_FROM: Final = "made_from.txt"
"""File beside files that a step has made, written last, with the step's key."""

StepResult = dict[str, Any]
"""Result of a step: names, counts and paths as JSON values; its actual output is in files."""


def retried_task(
    name: str, *, timeout_seconds: int, retries: int = 1, **options: Any
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Turn a function into a task that is tried again, ten seconds later, unless its failure needs a fix first.

    Args:
        name: Name shown in the flow run.
        timeout_seconds: Time after which the task fails.
        retries: Number of retries before the flow fails.
        options: Further options of Prefect's tasks.
    """

    def decorate(function: Callable[P, R]) -> Task[P, R]:
        made: Task[P, R] = task(
            name=name,
            retries=retries,
            retry_condition_fn=may_pass,
            retry_delay_seconds=10,
            timeout_seconds=timeout_seconds,
            **options,
        )(function)
        return made

    return decorate


def kept_step(
    name: str, *, timeout_seconds: int, retries: int = 1
) -> Callable[[Callable[..., StepResult]], Task[..., StepResult]]:
    """Turn a function into a step that is not repeated while its `key` stays the same.

    Args:
        name: Name shown in the flow run.
        timeout_seconds: Time after which the step fails.
        retries: Number of retries, ten seconds apart, before the flow fails.

    Returns:
        A decorator for functions whose first argument is `key`, the digest of everything the result depends on.
    """
    return retried_task(
        name,
        timeout_seconds=timeout_seconds,
        retries=retries,
        cache_key_fn=_key_of,
        persist_result=True,
        result_serializer="json",
    )


def may_pass(step: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Return whether a retry may succeed; an `NboError` needs a fix first."""
    del step, run
    failure = state.result(raise_on_failure=False)
    return not isinstance(failure, NboError)


def _key_of(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    return f"{context.task.name}-{arguments['key']}"


def do(step: Task[..., StepResult], *, key: str, present: bool, **arguments: Any) -> StepResult:
    """Run a step, or return its cached result.

    Args:
        step: The step.
        key: Digest of everything the result depends on.
        present: Whether the output of an earlier run of the step still exists; if not, the step runs again.
        arguments: Further arguments of the step.

    Returns:
        What the step returned, and `reused`: whether an earlier run did it.
    """
    state = step.with_options(refresh_cache=not present)(key=key, **arguments, return_state=True)
    result: StepResult = state.result()
    return {**result, REUSED: state.name == "Cached"}


def made_from(folder: Path) -> str | None:
    """Return the key of what the files of a folder were made from; None if they are missing or incomplete."""
    try:
        return (folder / MADE_FROM).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def keep_table(key: str, description: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows as a table to the flow run."""
    create_table_artifact(key=key, table=[dict(row) for row in rows], description=description)


def keep_page(key: str, description: str, markdown: str) -> None:
    """Add a Markdown page to the flow run."""
    create_markdown_artifact(key=key, markdown=markdown, description=description)


def keep_link(key: str, description: str, file: Path) -> None:
    """Add a link to a file to the flow run."""
    create_link_artifact(key=key, link=file.as_uri(), link_text=file.name, description=description)
