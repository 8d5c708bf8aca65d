"""Models of former champions, from which reasons of earlier decisions are worded."""

from pathlib import Path

import pytest

from domain.offer import Offer, Treatment
from models.propensity.priors import stated_priors
from models.propensity.rates import AcceptanceRates
from models.tracking.files import files_digest
from serving.champion_files import former_propensity


@pytest.fixture
def rates() -> AcceptanceRates:
    treatments = (Treatment(channel="app", message="card"),)
    offer = Offer(name="loan", description="", value="1", stages=(), treatments=treatments, expected_acceptance=0.2)
    priors = stated_priors([offer])
    assert priors is not None
    return AcceptanceRates(priors)


def test_the_model_that_a_decision_cites_is_found_by_its_version_and_digest(
    rates: AcceptanceRates, tmp_path: Path
) -> None:
    rates.to_files(tmp_path / "written")
    digest = files_digest(tmp_path / "written")
    (tmp_path / "written").rename(tmp_path / f"demo-propensity-3-{digest[:12]}")
    cited = {"bank": "aa", "demo-churn": "3:cc", "demo-propensity": f"3:{digest[:12]}"}
    assert former_propensity(tmp_path, cited) == rates
    assert former_propensity(tmp_path, {**cited, "demo-propensity": f"4:{digest[:12]}"}) is None


def test_files_that_changed_are_not_the_model_that_is_cited(rates: AcceptanceRates, tmp_path: Path) -> None:
    rates.to_files(tmp_path / "demo-propensity-3-0123456789ab")
    assert former_propensity(tmp_path, {"demo-propensity": "3:0123456789ab"}) is None
    assert former_propensity(tmp_path, {"bank": "aa"}) is None
