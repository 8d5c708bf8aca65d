from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from decisioning.policies.policy import Policy
from domain.errors import DataError
from nbo.display import console
from nbo.explained_decision import CHANGES_SHOWN, show_decision, show_offer_in_decision
from serving.customer import Answer, decide_for_customer
from serving.customer_features import CustomerReader
from serving.service.decision_request import DecisionRequest
from serving.service.engine import LiveEngine
from tests.serving.build import AS_OF, COLD_START, POLICY, small_bank, small_decider, small_log


def shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], customer: str, channel: str, policy: Policy = POLICY
) -> list[str]:
    show_decision(answered(tmp_path, customer, channel, policy))
    return capsys.readouterr().out.splitlines()


def answered(tmp_path: Path, customer: str, channel: str, policy: Policy = POLICY) -> Answer:
    bank = small_bank(policy)
    engine = LiveEngine(small_decider(bank), CustomerReader(bank, small_log(tmp_path), None))
    return decide_for_customer(DecisionRequest(customer_id=customer, channel=channel), AS_OF, engine)


def test_a_decision_ends_with_what_would_put_the_runner_up_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(tmp_path, capsys, "c05", "app")
    (at,) = [number for number, line in enumerate(lines) if line == "what would have to change"]
    # logged in 6 times: propensity 0.22 of 46 for savings_plus less 0.22 x 5, half the propensity of 20 for the check
    assert lines[at + 1].startswith("  budget_check is 6.82 short of savings_plus: it would come first with its lever")
    assert len([line for line in lines[at + 1 :] if not line.startswith("   ")]) <= CHANGES_SHOWN
    assert max(map(len, lines)) <= console.width


def test_a_decision_that_leaves_nothing_names_the_one_rule_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown(tmp_path, capsys, "c03", "email")[-1] == "  savings_plus would come first without consent_email"


def test_offers_whose_score_was_not_looked_at_are_shown_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(tmp_path, capsys, "stranger", "app", replace(COLD_START, personalised="consent_email"))
    assert lines[0].endswith("features from nothing")
    assert "1. savings_plus: propensity or value unknown" in lines


def test_the_line_of_an_offer_adds_up_to_its_priority(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in shown(tmp_path, capsys, "c05", "app") if re.match(r"\d+\. ", line)]
    assert lines
    for line in lines:
        terms, priority = line.split(": ", 1)[1].split(" = priority ")
        formula = re.sub("(propensity|value|context|lever|costs|budgets) ", "", terms).replace("x", "*")
        assert eval(formula) == pytest.approx(float(priority), rel=2e-3, abs=0.01)


def test_why_shows_every_rule_that_was_asked_about_an_offer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = answered(tmp_path, "c03", "email")
    show_offer_in_decision(answer, "savings_plus")
    out = capsys.readouterr().out
    (candidate,) = [one for one in answer.decision.candidates if one.offer == "savings_plus"]
    assert len(candidate.verdicts) > 1
    for verdict in candidate.verdicts:
        assert verdict.rule in out
    assert f"savings_plus: not offered, rejected by 1 of {len(candidate.verdicts)} rules" in out
    assert "savings_plus would come first without consent_email" in out


def test_why_of_an_offer_that_the_channel_does_not_have_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="savings_plus"):
        show_offer_in_decision(answered(tmp_path, "c05", "app"), "saving_plus")
