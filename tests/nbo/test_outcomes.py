from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from decisioning.policies.policy import Policy
from nbo.outcomes import CHANGES_SHOWN, show_decision
from serving.customer import decide_for_customer
from serving.customer_features import CustomerReader
from serving.service.decision_request import DecisionRequest
from serving.service.engine import LiveEngine
from tests.serving.build import AS_OF, COLD_START, POLICY, small_bank, small_decider, small_log


def shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], customer: str, channel: str, policy: Policy = POLICY
) -> list[str]:
    bank = small_bank(policy)
    engine = LiveEngine(small_decider(bank), CustomerReader(bank, small_log(tmp_path), None))
    show_decision(decide_for_customer(DecisionRequest(customer_id=customer, channel=channel), AS_OF, engine))
    return capsys.readouterr().out.splitlines()


def test_a_decision_ends_with_what_would_put_the_runner_up_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(tmp_path, capsys, "c05", "app")
    (at,) = [number for number, line in enumerate(lines) if line == "what would have to change"]
    # logged in 6 times: propensity 0.22 of 46 for savings_plus less 0.22 x 5, half the propensity of 20 for the check
    assert lines[at + 1].startswith("  budget_check is 6.82 short of savings_plus: it would come first with its lever")
    assert len(lines) <= at + 1 + CHANGES_SHOWN


def test_a_decision_that_leaves_nothing_names_the_one_rule_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(tmp_path, capsys, "c03", "email")[-1] == "  savings_plus would come first without consent_email"


def test_offers_whose_score_was_not_looked_at_are_shown_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(tmp_path, capsys, "stranger", "app", replace(COLD_START, personalised="consent_email"))
    assert lines[0].endswith("features from nothing")
    assert "1. savings_plus: propensity unknown x value 40.00, priority unknown, selection probability 1.000" in lines
