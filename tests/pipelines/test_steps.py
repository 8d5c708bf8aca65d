from __future__ import annotations

from pathlib import Path

import pytest
from prefect import flow
from prefect.states import State

from config.reading import load_bank
from domain.errors import DataError
from pipelines.feature_build import definitions_digest
from pipelines.importing import import_files
from pipelines.steps import StepResult, code_digest, digest_of, do, kept_step
from tests.pipelines.small_bank import DEMO
from wiring.components import components_of

DONE: list[str] = []
FAILURES: list[BaseException] = []


@kept_step("count-what-is-done", timeout_seconds=60)
def counted(key: str, name: str) -> StepResult:
    if FAILURES:
        raise FAILURES.pop(0)
    DONE.append(name)
    return {"key": key, "times": len(DONE)}


@flow
def counting(key: str, name: str, present: bool) -> StepResult:
    return do(counted.with_options(retry_delay_seconds=0), key=key, present=present, name=name)


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    DONE.clear()
    FAILURES.clear()


def test_a_step_with_the_key_of_an_earlier_one_is_not_done_again(tmp_path: Path) -> None:
    key = str(tmp_path)
    first = counting(key, "a", present=True)
    assert first == {"key": key, "times": 1, "reused": False}
    assert counting(key, "a", present=True) == {"key": key, "times": 1, "reused": True}
    assert DONE == ["a"]


def test_another_key_does_it_again_whatever_the_arguments(tmp_path: Path) -> None:
    counting(f"{tmp_path}-1", "a", present=True)
    counting(f"{tmp_path}-1", "b", present=True)
    counting(f"{tmp_path}-2", "a", present=True)
    assert DONE == ["a", "a"]


def test_a_step_whose_work_is_gone_is_done_again_and_kept_anew(tmp_path: Path) -> None:
    key = str(tmp_path)
    counting(key, "a", present=True)
    assert counting(key, "a", present=False)["times"] == 2
    assert counting(key, "a", present=True)["times"] == 2


def test_what_may_pass_is_tried_again(tmp_path: Path) -> None:
    FAILURES.append(OSError("the disk was busy"))
    assert counting(str(tmp_path), "a", present=True)["times"] == 1


def test_an_error_of_ours_is_not_tried_again(tmp_path: Path) -> None:
    FAILURES.append(DataError("nothing to learn from"))
    with pytest.raises(DataError, match="nothing to learn from"):
        counting(str(tmp_path), "a", present=True)
    assert DONE == []


def test_a_failed_step_is_not_kept(tmp_path: Path) -> None:
    FAILURES.append(DataError("nothing to learn from"))
    with pytest.raises(DataError):
        counting(str(tmp_path), "a", present=True)
    assert counting(str(tmp_path), "a", present=True)["times"] == 1


def test_a_kept_result_is_json_and_no_pickle(tmp_path: Path) -> None:
    counting(str(tmp_path), "a", present=True)
    states: list[State[StepResult]] = [counting(str(tmp_path), "a", present=True, return_state=True)]
    assert states[0].is_completed()
    assert counted.result_serializer == "json"


def test_the_import_does_not_try_again_what_has_to_be_mended() -> None:
    assert import_files.retry_condition_fn is counted.retry_condition_fn


def test_digests_tell_values_and_their_places_apart() -> None:
    assert digest_of("ab", "c") != digest_of("a", "bc")
    assert digest_of({"b": 1, "a": 2}) == digest_of({"a": 2, "b": 1})
    assert len(digest_of()) == 16


def test_digests_of_a_bank_are_the_same_for_another_reading_of_it() -> None:
    components = components_of(DEMO)
    again = load_bank(DEMO)
    assert digest_of(tuple(again.features.features.values())) == digest_of(
        tuple(components.bank.features.features.values())
    )
    text = str(
        (
            tuple(components.bank.features.features.values()),
            components.bank.journey,
            components.bank.models,
            components.bank.offers,
        )
    )
    assert " at 0x" not in text, "an address would be another one in the next process"
    assert "set(" not in text, "the order of a set is another one in the next process"
    assert len(definitions_digest(components)) == 16


def test_the_digest_of_code_depends_on_the_rooms() -> None:
    assert code_digest("domain") != code_digest("expressions") != code_digest("domain", "expressions")
