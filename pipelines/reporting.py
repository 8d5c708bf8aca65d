"""The report of a run: what was built, how good it is, and what to look at next."""

from __future__ import annotations

import json
from typing import Any

from prefect import flow

from domain.errors import StateError
from events.durable import replace_text
from pipelines.artefacts import keep_page
from pipelines.report_page import markdown_report
from pipelines.steps import StepResult
from wiring.parts import Parts, parts_of


@flow(name="write-report", timeout_seconds=600)
def write_report(bank_folder: str) -> StepResult:
    """Write the report of the last whole run, with the models' pictures beside it."""
    parts = parts_of(bank_folder)
    result = last_run(parts)
    folder = parts.places.reports / result["features"]["as_of"][:10]
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        name: parts.models.save_pictures(model["run_id"], folder / name) for name, model in result["models"].items()
    }
    page = markdown_report(result, {name: [f"{name}/{file}" for file in files] for name, files in pictures.items()})
    replace_text(folder / "report.md", page)
    keep_page("report", f"Report of {parts.name}", page)
    return {"report": str(folder / "report.md")}


def last_run(parts: Parts) -> dict[str, Any]:
    """Read what the last whole run said of itself.

    Raises:
        StateError: There was none yet.
    """
    try:
        content: dict[str, Any] = json.loads(parts.places.last_run.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise StateError(f"bank {parts.name} has not been run yet", remedy=f"nbo --bank {parts.folder} run") from error
    return content
