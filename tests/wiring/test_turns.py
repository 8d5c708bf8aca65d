"""Two processes that work on the same bank."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from domain.progress import Progress, silent
from tests.docs.pages import ROOT
from tests.pipelines.small_bank import DEMO
from wiring.components import Components, reload_components
from wiring.progress import showing
from wiring.turns import own_turn

WORKING = """
import sys
from pathlib import Path
from wiring.components import reload_components
from wiring.turns import own_turn
with own_turn(reload_components(sys.argv[1]), "train models"):
    print("working", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def components(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Components:
    monkeypatch.setenv("NBO_HOME", str(tmp_path))
    return reload_components(DEMO)


def test_who_comes_second_waits_and_is_told_for_whom_and_a_killed_one_is_waited_for_by_nobody(
    components: Components,
) -> None:
    told: list[str] = []
    command = [sys.executable, "-c", WORKING, str(DEMO)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"

        @contextmanager
        def ends_what_is_waited_for(description: str) -> Iterator[Progress]:
            told.append(description)
            process.kill()
            yield silent

        with showing(ends_what_is_waited_for), own_turn(components, "run"):
            pass
    (said,) = told
    assert re.fullmatch(rf"wait for 'train models' by process {process.pid} on \S+ since \S+ \S+", said)


def test_a_step_of_a_run_has_the_turn_of_the_run(components: Components) -> None:
    told: list[str] = []

    @contextmanager
    def noted(description: str) -> Iterator[Progress]:
        told.append(description)
        yield silent

    with showing(noted), own_turn(components, "run"), own_turn(components, "train models"):
        pass
    with showing(noted), own_turn(components, "train models"):
        pass
    assert told == []
