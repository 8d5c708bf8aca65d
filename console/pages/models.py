"""Models: which model is in charge, what its gate measured, and links into MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from console.access import Permission
from console.languages import N_, Texts
from console.languages.sentences import in_words
from console.page import Content, Page, Visit
from console.tables import Column, Table
from domain.errors import DataError
from serving.api.problems import ProblemError
from serving.figures.files import read_last_run
from serving.rollout.gate import readings_of_gates
from serving.rollout.report import RolloutReport

BACK: Final = "back"
"""Act that takes a model back."""

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
        _rollout(visit),
    )
    beside = service.engine.decider.beside
    values = {
        "models": models,
        "mlflow": visit.sources.settings.mlflow,
        "shadow": None if beside.shadow is None else beside.shadow.cited,
        "slices": [arm.cited for arm in beside.arms],
        "under_way": _under_way(visit.service.files.rollout(), texts),
        "may_go_back": visit.person.may(Permission.OPERATIONS),
        "was_asked": "asked" in visit.asked,
    }
    return Content(tables, values)


def act(visit: Visit, form: Mapping[str, str]) -> Mapping[str, str]:
    """Take a model back, as a form asks.

    Raises:
        ProblemError: 403 if the role does not include it; 422 if the reason is missing.
    """
    if form.get("act") != BACK:
        raise ProblemError(422, "not-fit", N_("there is no such act"), got=form.get("act", "")[:50], expected=BACK)
    if not visit.person.may(Permission.OPERATIONS):
        needed = Permission.OPERATIONS.value
        raise ProblemError(403, "not-allowed", N_("your role does not include this"), expected=needed)
    try:
        visit.service.files.ask_back(visit.person.name, form.get("why", ""), "console")
    except DataError as error:
        raise ProblemError(422, "not-fit", str(error)) from error
    return {"asked": "1"}


def _rollout(visit: Visit) -> Table:
    texts, report = visit.texts, visit.service.files.rollout()
    rows = [
        {"gate": one.subject, "light": one.light.value, "sentence": one.sentence}
        for one in readings_of_gates(() if report is None else report.gates)
    ]
    columns = (
        Column("gate", texts("Gate"), "name"),
        Column("light", texts("Light"), "name"),
        Column("sentence", texts("What it means")),
    )
    return Table("rollout", texts("Gates of the rollout, as last read"), columns, rows, texts("No rollout was read."))


def _under_way(report: RolloutReport | None, texts: Texts) -> str | None:
    """Say since when a version is in its stage and for whom it decides; None if nothing is under way."""
    if report is None or report.since is None or report.share is None:
        return None
    return texts(
        "{stage}: version {version} since {since}, compared with version {other}; it decides for {share} of the "
        "customers in the standard arm.",
        version=report.version,
        stage=texts.name(str(report.stage)),
        since=texts.moment(report.since),
        other=report.other,
        share=texts.percent(report.share, 0),
    )


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


PAGE: Final = Page(name="models", title=N_("Models"), permission=Permission.MODELS, order=40, content=content, act=act)
