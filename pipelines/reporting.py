"""The flow that writes the report of a run, and the stored results of the last runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from prefect import flow

from domain.errors import StateError
from journeys.files import read_figures
from pipelines.html_report.page import html_report
from pipelines.report_page import markdown_report, trained
from pipelines.steps import StepResult, keep_link, keep_page
from serving.figures.files import read_last_run
from storage.atomic import replace_text
from wiring.components import Components, reload_components

HTML_REPORT: Final = "report.html"


@flow(name="write-report", timeout_seconds=600)
def write_report(bank_folder: str) -> StepResult:
    """Write the report of the last whole run: one HTML file for people, Markdown and plots for machines."""
    components = reload_components(bank_folder)
    result = last_outcomes(components)
    folder = components.places.reports / result["features"]["as_of"][:10]
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        name: components.models.save_pictures(model["run_id"], folder / name)
        for name, model in trained(result["models"]).items()
    }
    page = markdown_report(result, {name: [f"{name}/{file}" for file in files] for name, files in pictures.items()})
    replace_text(folder / "report.md", page)
    plots = {name: {file: (folder / name / file).read_bytes() for file in files} for name, files in pictures.items()}
    html = folder / HTML_REPORT
    replace_text(html, html_report(result, read_figures(components.places.journeys), plots))
    components.models.keep_report([model["run_id"] for model in trained(result["models"]).values()], html)
    keep_page("report", f"Report of {components.name}", page)
    keep_link("html-report", f"Report of {components.name} with pictures", html)
    return {"report": str(html), "markdown": str(folder / "report.md")}


IMPORT, FEATURES, MODELS, DECISIONS = "import", "features", "models", "decisions"
JOURNEYS = "journeys"
EFFECTS = "effects"


def keep_outcomes(components: Components, outcomes: Mapping[str, StepResult]) -> None:
    """Store the results of flows, replacing earlier results of the same flows."""
    earlier = _read(components)
    replace_text(components.places.last_run, json.dumps({**earlier, "bank": components.name, **outcomes}, indent=1))


def missing_outcomes(components: Components) -> tuple[str, ...]:
    """Return the names of flows without a stored result."""
    stored = _read(components)
    return tuple(name for name in (IMPORT, FEATURES, MODELS, DECISIONS) if name not in stored)


def last_outcomes(components: Components) -> dict[str, Any]:
    """Return the last result of each flow.

    Raises:
        StateError: One of the flows has not been run yet.
    """
    missing = missing_outcomes(components)
    if missing:
        raise StateError(
            f"bank {components.name} has not been run yet",
            got=f"nothing of {', '.join(missing)}",
            remedy=f"nbo --bank {components.folder} run",
        )
    return _read(components)


def _read(components: Components) -> dict[str, Any]:
    return read_last_run(components.places.last_run)
