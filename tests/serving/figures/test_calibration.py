"""What was said beside what came, in matured decisions."""

import numpy as np
import pytest

from records.decision_log import LoggedDecision
from serving.figures.calibration import calibration
from serving.what_if.logged import LoggedOutcomes
from tests.serving.build import AS_OF


def decision(number: int, offer: str | None, propensity: float | None) -> LoggedDecision:
    return LoggedDecision(
        decision_id=f"d{number}",
        customer_id=f"c{number}",
        channel="app",
        as_of=AS_OF,
        features_from="batch",
        stage="growth",
        offer=offer,
        propensity=propensity,
        value=10.0,
        priority=1.0,
        selection_probability=1.0,
        seed=1,
        versions={},
        part="run/part",
        record=None,
    )


def outcomes(*pairs: tuple[LoggedDecision, bool]) -> LoggedOutcomes:
    accepted = np.array([one for _, one in pairs], dtype=bool)
    return LoggedOutcomes(tuple(one for one, _ in pairs), accepted * 10.0, accepted, {})


@pytest.mark.parametrize(("said", "off"), [(0.1, False), (0.5, True)])
def test_an_offer_is_off_if_the_interval_of_its_rate_leaves_out_what_was_said(said, off):
    [row] = calibration(outcomes(*((decision(number, "loan", said), number < 10) for number in range(100))))
    assert (row["offer"], row["matured"], row["accepted"], row["rate"]) == ("loan", 100, 10, 0.1)
    assert row["expected"] == pytest.approx(said)
    assert row["off"] is off


def test_decisions_without_a_propensity_tell_nothing():
    found = calibration(outcomes((decision(1, "papers", None), True), (decision(2, "loan", 0.2), False)))
    assert [(row["offer"], row["matured"], row["accepted"]) for row in found] == [("loan", 1, 0)]
    assert calibration(outcomes()) == []
