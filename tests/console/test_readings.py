from dataclasses import replace
from math import nan
from zoneinfo import ZoneInfo

import pytest

from config.watching import Limits
from console.languages import Texts
from console.languages.sentences import in_words
from console.links import BASE
from console.readings import CHECKS
from decisioning.experiments.design import TrialDesign, TrialOutcomes
from decisioning.experiments.trials import trial_result
from decisioning.off_policy.estimators import ESTIMATORS
from decisioning.off_policy.verdict import verdict_of, warnings_of
from domain.estimate import Estimate
from serving.delivery.unsent import Confirmations
from serving.rollout.evidence import OLDER
from serving.watching.partners import confirmed
from serving.what_if.logged import REASONS
from tests.console.build import browsing
from tests.console.evidence import NOTES, evaluated, evaluations, readings, report, write_evidence

ENGLISH, CHINESE = (Texts(language, ZoneInfo("Europe/Amsterdam"), "EUR") for language in ("en", "zh"))


def test_health_shows_what_is_not_green_the_worst_first(tmp_path):
    write_evidence(tmp_path)
    with browsing(tmp_path) as browser:
        rows = browser.get(f"{BASE}/health/data/not_green.json").json()["rows"]
        page = browser.get(f"{BASE}/health").text
    assert [row["light"] for row in rows] == ["red", "amber", "amber", "unknown"]
    assert "Savings plus: realised value is 0.50 times what was expected" in page
    assert rows[0]["told_at"] is not None


def test_all_readings_are_there_as_data(tmp_path):
    write_evidence(tmp_path)
    with browsing(tmp_path) as browser:
        assert len(browser.get(f"{BASE}/health/data/readings.json").json()["rows"]) == len(readings())


def test_the_overview_says_each_thing_that_is_watched_once(tmp_path):
    write_evidence(tmp_path)
    with browsing(tmp_path, role="viewer") as browser:
        page = browser.get(f"{BASE}/overview").text
    assert page.count("times in 28 days") == 1
    assert "times in 28 days, and 1 more like it" in page
    assert "All readings" not in page  # the page on health is not for viewers


def test_readings_that_cannot_be_read_say_what_to_do(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "health.json").write_text("{")
    with browsing(tmp_path) as browser:
        page = browser.get(f"{BASE}/health")
        assert page.status_code == 503
        assert "the last readings are damaged" in page.text


def test_every_check_has_words():
    assert {*Limits.__dataclass_fields__} <= {*CHECKS}


def sentences():
    exported = Confirmations(channel="email", exported=10_000, confirmed=7_000, newly_unsent=0)
    yield from (one.sentence for one in (*readings(), *confirmed([exported], Limits())))
    yield from NOTES
    for gain, guardrail in ((3.0, 0.0), (0.0, 0.0), (-5.0, 0.0), (0.0, 0.3)):
        result = report("bonus", gain, guardrail).result
        yield result.verdict.reason
    design = TrialDesign({"usual": 0.5, "new": 0.5}, "usual", expected_gain=1.0)
    yield trial_result(TrialOutcomes.of([1.0] * 4, ["usual", "new"] * 2), design, days=7).verdict.reason
    skewed = ["usual"] * 900 + ["new"] * 100
    yield from (said for one in evaluations() for said in (one.found.verdict.reason, *one.found.warnings))
    yield from evaluation_words()
    yield trial_result(TrialOutcomes.of([1.0] * 1_000, skewed), design, days=7).verdict.reason


def evaluation_words():
    """Whatever a verdict may say, what is left out, and what estimators are."""
    weak, few = (evaluated(0.9).support for _ in range(2))
    few, weak = replace(few, effective=50.0), replace(weak, weight_of_largest=0.8)
    yield from (*warnings_of(few), *warnings_of(weak), *ESTIMATORS.values(), *REASONS, OLDER)
    for gain, least in ((Estimate(0.3, 0.1, 0.5), 0.2), (Estimate(0.3, -0.1, 0.7), 0.0), (Estimate(-0.1, -1, 1), 0.0)):
        yield verdict_of(gain, evaluated(0.9).support, least).reason
    yield verdict_of(Estimate(0.1, nan, nan), few, 0.0).reason


@pytest.mark.parametrize("said", list(sentences()))
def test_every_sentence_of_other_rooms_is_known_in_chinese(said):
    assert in_words(said, CHINESE) not in {said, said[:1].upper() + said[1:]}
    assert in_words(said, ENGLISH)[:1].isupper() or not said[:1].isalpha()
