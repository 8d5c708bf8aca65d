"""Steps of flows: Prefect tasks that are kept by the digest of what they were made from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prefect import State, Task, task
from prefect.client.schemas.objects import TaskRun
from prefect.context import TaskRunContext

from domain.errors import NboError
from pipelines.digests import code_digest, digest_of

__all__ = ["StepResult", "code_digest", "digest_of", "do", "kept_step", "may_pass"]

StepResult = dict[str, Any]
"""What a step tells the next: names, counts and paths that JSON can hold; its work lies in files."""


def kept_step(
    name: str, *, timeout_seconds: int, retries: int = 1
) -> Callable[[Callable[..., StepResult]], Task[..., StepResult]]:
    """Make a function a step that is not done again while its `key` stays the same.

    Args:
        name: As the flow run shows it.
        timeout_seconds: After this the step fails.
        retries: How often it is tried again, ten seconds apart, before the flow fails.

    Returns:
        A decorator for functions whose first argument is `key`, the digest of everything the result depends on.
    """

    def decorate(function: Callable[..., StepResult]) -> Task[..., StepResult]:
        step: Task[..., StepResult] = task(
            name=name,
            cache_key_fn=_key_of,
            persist_result=True,
            result_serializer="json",
            retries=retries,
            retry_condition_fn=may_pass,
            retry_delay_seconds=10,
            timeout_seconds=timeout_seconds,
        )(function)
        return step

    return decorate


def may_pass(step: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:
    """Try again only what may pass: an error of ours says what has to be mended first."""
    del step, run
    failure = state.result(raise_on_failure=False)
    return not isinstance(failure, NboError)


def _key_of(context: TaskRunContext, arguments: dict[str, Any]) -> str:
    return f"{context.task.name}-{arguments['key']}"


def do(step: Task[..., StepResult], *, key: str, present: bool, **arguments: Any) -> StepResult:
    """Do a step, or take its kept result.

    Args:
        key: Digest of everything the result depends on.
        present: Whether what an earlier run of the step made is still there; if not it is done again.
        arguments: Of the step.
    """
    result: StepResult = step.with_options(refresh_cache=not present)(key=key, **arguments)
    return result
