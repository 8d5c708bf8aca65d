"""The flow that writes the report of a run."""

from __future__ import annotations

from typing import Final

from prefect import flow

from events.durable import replace_text
from journeys.files import read_figures
from pipelines.artefacts import keep_link, keep_page
from pipelines.html_report.page import html_report
from pipelines.outcomes import last_outcomes
from pipelines.report_page import markdown_report
from pipelines.steps import StepResult
from wiring.components import reload_components

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
        for name, model in result["models"].items()
    }
    page = markdown_report(result, {name: [f"{name}/{file}" for file in files] for name, files in pictures.items()})
    replace_text(folder / "report.md", page)
    plots = {name: {file: (folder / name / file).read_bytes() for file in files} for name, files in pictures.items()}
    html = folder / HTML_REPORT
    replace_text(html, html_report(result, read_figures(components.places.journeys), plots))
    components.models.keep_report([model["run_id"] for model in result["models"].values()], html)
    keep_page("report", f"Report of {components.name}", page)
    keep_link("html-report", f"Report of {components.name} with pictures", html)
    return {"report": str(html), "markdown": str(folder / "report.md")}
