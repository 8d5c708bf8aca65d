from __future__ import annotations

import pickle

from domain.errors import NboError, StateError


def test_what_another_library_said_in_several_lines_stays_one_sentence() -> None:
    error = StateError("the part cannot be read", got="Could not read:\n  invalid data\n", remedy="build it again")
    assert str(error) == "the part cannot be read: got Could not read: invalid data; build it again"


def test_a_value_keeps_its_own_spaces() -> None:
    assert str(NboError("no such customer", got="'C1  a'")) == "no such customer: got 'C1  a'"


def test_an_error_crosses_processes_with_its_sentence_and_its_parts() -> None:
    error = StateError("no answer", got="silence", expected="a row", remedy="try again")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.remedy) == (StateError, str(error), "try again")
