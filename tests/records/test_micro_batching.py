"""A thread that handles waiting items in groups."""

import threading

import pytest

from domain.errors import StateError
from records.micro_batching import MicroBatcher


def test_what_comes_while_a_group_is_done_is_the_next_group():
    groups, first_begun, go_on = [], threading.Event(), threading.Event()

    def handle(group):
        groups.append(group)
        first_begun.set()
        go_on.wait(10)

    gathering = MicroBatcher(handle, most=3, name="test")
    gathering.put(0)
    first_begun.wait(10)
    for number in range(1, 6):
        gathering.put(number)
    go_on.set()
    gathering.close()
    assert groups == [[0], [1, 2, 3], [4, 5]]
    with pytest.raises(StateError, match="is shutting down"):
        gathering.put(6)


def test_a_group_that_fails_does_not_keep_the_next_ones_waiting():
    done = []

    def handle(group):
        if group == ["bad"]:
            raise RuntimeError("out of order")
        done.extend(group)

    gathering = MicroBatcher(handle, most=1, name="test")
    for item in ("bad", "good"):
        gathering.put(item)
    gathering.close()
    assert done == ["good"]
