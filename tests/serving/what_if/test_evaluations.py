from datetime import timedelta

import pytest

from decisioning.off_policy.evaluate import evaluate_policy
from domain.errors import StateError
from serving.what_if import evaluations
from serving.what_if.evaluations import FOLDER, keep_evaluation, read_evaluations
from tests.serving.build import AS_OF
from tests.serving.what_if.evaluations import record_of

FOUND = evaluate_policy([0, 1] * 50, [1.0, 0.0] * 50, [0.5] * 100, [[0.5, 0.5]] * 100, segment=["growth"] * 100)


def test_a_bank_without_evaluations_has_none(tmp_path):
    assert read_evaluations(tmp_path) == []


def test_kept_evaluations_come_back_the_newest_first(tmp_path):
    early, late = (record_of(FOUND, "a", as_of=AS_OF + timedelta(days=days)) for days in (0, 1))
    later = record_of(FOUND, "b", as_of=late.as_of, made_at=late.made_at + timedelta(minutes=1))
    for one in (late, early, later):
        keep_evaluation(tmp_path, one)
    assert read_evaluations(tmp_path) == [later, late, early]


def test_the_same_evaluated_again_as_of_the_same_moment_is_kept_once(tmp_path):
    first = record_of(FOUND, "challenger")
    again = record_of(FOUND, "challenger", made_at=first.made_at + timedelta(days=1))
    other = record_of(FOUND, "challenger", versions={"demo-propensity": "8:cd34"})
    for one in (first, again, other):
        keep_evaluation(tmp_path, one)
    assert read_evaluations(tmp_path) == [again, other]


def test_a_rollout_keeps_the_last_evaluation_of_each_version(tmp_path):
    first, second = (record_of(FOUND, "9", is_watched=True, as_of=AS_OF + timedelta(days=days)) for days in (0, 1))
    other = record_of(FOUND, "9", as_of=AS_OF)
    for one in (other, first, second):
        keep_evaluation(tmp_path, one)
    assert read_evaluations(tmp_path) == [second, other]


def test_the_oldest_evaluations_go_when_there_are_many(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluations, "MOST", 2)
    for days in (2, 0, 1):
        keep_evaluation(tmp_path, record_of(FOUND, "a", as_of=AS_OF + timedelta(days=days)))
    assert [one.as_of for one in read_evaluations(tmp_path)] == [AS_OF + timedelta(days=days) for days in (2, 1)]


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"bank": "demo", "subject": null}'])
def test_a_damaged_evaluation_says_what_to_remove(tmp_path, text):
    keep_evaluation(tmp_path, record_of(FOUND, "a"))
    [file] = (tmp_path / FOLDER).glob("*.json")
    file.write_text(text)
    with pytest.raises(StateError, match=r"a kept evaluation is damaged.*evaluate again"):
        read_evaluations(tmp_path)
