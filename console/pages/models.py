"""Models: which model is in charge, what its gate measured, and links into MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.access import Permission
from console.languages import N_, Texts
from console.languages.sentences import in_words
from console.page import Content, Page, Visit
from console.tables import Column, Table
from serving.figures.files import read_last_run

METRICS: Final = {
    "auc": N_("AUC"),
    "average_precision": N_("Average precision"),
    "brier_skill": N_("Brier skill"),
    "log_loss": N_("Log loss"),
    "calibration_error": N_("Calibration error"),
    "lift_10": N_("Lift at 10 %"),
    "alift": N_("ALIFT"),
    "expected_maximum_profit": N_("Expected maximum profit"),
}


def content(visit: Visit) -> Content:
    """Return the models of the last training, with their gates."""
    texts, service = visit.texts, visit.service
    bank = service.engine.bank.identity.name
    trained: Mapping[str, Mapping[str, Any]] = read_last_run(visit.sources.last_run).get("models", {})
    versions = service.engine.decider.versions
    models = [_model(name, model, versions, bank, visit) for name, model in trained.items()]
    tables = (
        *(_metrics(name, model, texts) for name, model in trained.items()),
        *(_gate(name, model, texts) for name, model in trained.items()),
    )
    return Content(tables, {"models": models, "mlflow": visit.sources.settings.mlflow})


def _model(name: str, model: Mapping[str, Any], versions: Mapping[str, str], bank: str, visit: Visit) -> dict[str, Any]:
    in_charge = next((version for key, version in versions.items() if key.endswith(name)), None)
    mlflow = visit.sources.settings.mlflow
    return {
        "name": name,
        "version": model["version"],
        "champion": model["champion"],
        "failures": [in_words(one, visit.texts) for one in model["failures"]],
        "rows": model["rows"],
        "positives": model["positives"],
        "in_charge": in_charge,
        "rates": in_charge is not None and in_charge.startswith("rates-"),
        "link": None if mlflow is None else f"{mlflow}/#/models/{bank}-{name}/versions/{model['version']}",
        "metrics": f"metrics_{name}",
        "gate": f"gate_{name}",
    }


def _metrics(name: str, model: Mapping[str, Any], texts: Texts) -> Table:
    values = model["metrics"]
    rows = [
        {
            "metric": texts(words),
            "value": values[key],
            "low": values[f"{key}_low"],
            "high": values[f"{key}_high"],
            **{baseline: values.get(f"baseline_{baseline}_{key}") for baseline in model["baselines"]},
        }
        for key, words in METRICS.items()
        if key in values
    ]
    columns = (
        Column("metric", texts("Metric")),
        Column("value", texts("Model"), "number"),
        Column("low", texts("95 % from"), "number"),
        Column("high", texts("to"), "number"),
        *(Column(baseline, texts.name(baseline), "number") for baseline in model["baselines"]),
    )
    return Table(f"metrics_{name}", texts("Held-out metrics beside the baselines"), columns, rows)


def _gate(name: str, model: Mapping[str, Any], texts: Texts) -> Table:
    rows = [
        {
            **check,
            "sentence": in_words(check["sentence"], texts),
            "passed": texts("passed") if check["passed"] else texts("failed"),
        }
        for check in model.get("checks", ())
    ]
    columns = (
        Column("sentence", texts("Check")),
        Column("passed", texts("Result")),
        Column("value", texts("Value"), "number"),
        Column("bound", texts("Bound"), "number"),
    )
    empty = texts("The numbers of this gate were not kept; the next training keeps them.")
    return Table(f"gate_{name}", texts("The gate"), columns, rows, empty)


PAGE: Final = Page(name="models", title=N_("Models"), permission=Permission.MODELS, order=40, content=content)
