"""The flow that writes the report of a run."""

from __future__ import annotations

from prefect import flow

from pipelines.artefacts import keep_page
from pipelines.outcomes import last_outcomes
from pipelines.report_page import markdown_report
from pipelines.steps import StepResult
from storage.atomic import replace_text
from wiring.components import reload_components


@flow(name="write-report", timeout_seconds=600)
def write_report(bank_folder: str) -> StepResult:
    """Write the report of the last whole run, with the models' plots."""
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
    keep_page("report", f"Report of {components.name}", page)
    return {"report": str(folder / "report.md")}
