"""What a bank's folder or files cannot give is told in one sentence, and nothing is left half-written."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import DataError, SourceError, StateError
from pipelines.deciding import decide_for_everybody
from pipelines.feature_build import build_features
from pipelines.importing import import_events
from pipelines.report_page import stand_ins
from pipelines.reporting import write_report
from pipelines.training import train_models
from tests.pipelines.csv_bank import CsvBank, logins


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CsvBank:
    return CsvBank(tmp_path, monkeypatch)


def run_until_trained(bank: CsvBank) -> dict[str, str]:
    """Return why each model was not trained."""
    import_events(str(bank.folder))
    build_features(str(bank.folder))
    models = train_models(str(bank.folder))
    return {name: "; ".join(model["failures"]) for name, model in models.items() if "version" not in model}


def test_an_empty_source_folder_names_what_it_looked_for(bank: CsvBank) -> None:
    with pytest.raises(SourceError, match=r"\*\.csv"):
        import_events(str(bank.folder))
    assert bank.parts.log.count() == 0


def test_a_missing_source_folder_is_told(bank: CsvBank) -> None:
    bank.sources.rmdir()
    with pytest.raises(SourceError):
        import_events(str(bank.folder))


def test_a_wrong_column_is_told_and_the_log_is_as_it_was(bank: CsvBank) -> None:
    bank.deliver(logins(5, every_days=30))
    import_events(str(bank.folder))
    digest, state = bank.parts.log.digest(), bank.state()
    (bank.sources / "second.csv").write_text("client,time,event\nc1,2025-01-01T10:00:00,app_login\n")
    with pytest.raises(SourceError, match="customer"):
        import_events(str(bank.folder))
    assert bank.parts.log.digest() == digest
    assert bank.state() == state


def test_features_of_an_empty_log_are_refused_with_the_remedy(bank: CsvBank) -> None:
    with pytest.raises(DataError, match="is empty; import events first: nbo --bank"):
        build_features(str(bank.folder))


def test_a_report_before_the_first_run_is_refused(bank: CsvBank) -> None:
    with pytest.raises(StateError, match="has not been run yet"):
        write_report(str(bank.folder))


def test_a_label_of_one_class_is_told(bank: CsvBank) -> None:
    bank.deliver(logins(60, every_days=10))
    assert "who churned: got 0 who churned" in run_until_trained(bank)["churn"]
    assert bank.parts.models.champion("churn") is None


def test_a_log_that_is_too_short_for_any_label_is_told(bank: CsvBank) -> None:
    bank.deliver(row for row in logins(60, every_days=10) if row.split(",")[1] < "2025-03-01")
    assert "too short for any anchor" in run_until_trained(bank)["churn"]


def test_a_population_that_nobody_is_in_is_told(bank: CsvBank) -> None:
    bank.replace("models.yaml", "stage <> 'lost' AND days_since_activity <= 45", "days_since_activity < 0")
    bank.deliver(logins(60, every_days=10, leaving=30))
    assert "no customer was ever in the population" in run_until_trained(bank)["churn"]


def test_contacts_that_never_happened_are_told(bank: CsvBank) -> None:
    bank.deliver(logins(500, every_days=10, leaving=350))
    assert "has presented no offer of its catalogue yet" in run_until_trained(bank)["propensity"]


def test_without_any_answer_the_rates_that_the_bank_expects_decide(bank: CsvBank) -> None:
    offers = bank.folder / "offers.yaml"
    offers.write_text(offers.read_text().replace("  description:", "  expected_acceptance: 0.04\n  description:"))
    bank.without_contacts()
    bank.deliver(logins(40, every_days=10, leaving=20))
    run_until_trained(bank)
    decisions = decide_for_everybody(str(bank.folder))
    assert [version.split(":")[0] for version in decisions["models"].values()] == ["rates-expected"]
    assert stand_ins(decisions) == [
        "no propensity model is in charge: the rates that offers.yaml expects decide, until customers have answered"
    ]
    (scored,) = [row for row in decisions["rules"] if row["rule"] == "scored"]
    assert scored["candidates_rejected"] == 0


def test_a_bank_without_contacts_decides_without_models_and_offers_nothing_unscored(bank: CsvBank) -> None:
    bank.without_contacts()
    bank.deliver(logins(40, every_days=10, leaving=20))
    import_events(str(bank.folder))
    build_features(str(bank.folder))
    decisions = decide_for_everybody(str(bank.folder))
    assert (decisions["customers"], decisions["offers"]) == (40, 0)
    assert "scored" in {row["rule"] for row in decisions["rules"]}


def test_customers_of_one_event_and_of_thousands_go_through_together(bank: CsvBank) -> None:
    bank.without_contacts()
    many = [f"busy,2025-03-{1 + n % 28:02d}T{n % 24:02d}:{n // 24 % 60:02d}:00,app_login" for n in range(5_000)]
    bank.deliver([*many, "once,2025-02-01T10:00:00,app_login"])
    import_events(str(bank.folder))
    assert build_features(str(bank.folder))["customers"] == 2
    assert decide_for_everybody(str(bank.folder))["customers"] == 2
