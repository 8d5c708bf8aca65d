"""Ports of tests: what two processes are given at once, and what is left out."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ports
from tests.docs.pages import ROOT
from tests.ports import BLOCK, HOST, Ports, blocks, free_port, is_free, system_range

GIVEN_TO_ANOTHER = "from tests.ports import free_port; print(*(free_port() for _ in range(100)), flush=True); input()"


def test_no_port_is_given_twice_and_all_are_from_the_blocks() -> None:
    given = [free_port() for _ in range(3 * BLOCK)]
    assert len(set(given)) == len(given)
    assert set(given) <= {port for block in blocks(system_range()) for port in block}


def test_processes_at_the_same_time_have_ports_of_their_own() -> None:
    command = [sys.executable, "-c", GIVEN_TO_ANOTHER]
    processes = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    said = []
    for process in processes:
        assert process.stdout is not None
        said.append({int(port) for port in process.stdout.readline().split()})
    for process in processes:
        process.communicate("ended\n", timeout=60)
    assert [len(given) for given in said] == [100] * 4
    assert len(set.union(*said)) == 400


def test_ports_in_a_row_are_all_free() -> None:
    mine = Ports()
    first = mine.give()
    with socket.create_server((HOST, first + 3)):
        assert mine.give(in_a_row=4) > first + 3
        assert mine.give() > first + 7


@pytest.mark.parametrize("host", [HOST, "0.0.0.0"])
def test_a_port_that_is_bound_or_listened_on_is_not_free(host: str) -> None:
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, free_port()))
        port = bound.getsockname()[1]
        assert not is_free(port)
        bound.listen()
        assert not is_free(port)
    assert is_free(port)


def test_a_block_that_is_held_is_left_to_who_holds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Ports().give()
    [held] = [block for block in blocks(system_range()) if mine in block]
    monkeypatch.setattr(ports, "blocks", lambda system: [held])
    with pytest.raises(OSError, match="every block of ports is held"):
        Ports().give()


@pytest.mark.parametrize(
    ("system", "lowest", "highest"),
    [
        (range(32_768, 61_000), 10_016, 65_535),
        (range(49_152, 65_536), 10_016, 49_151),
        (range(10_000, 65_536), 1_024, 9_983),
        (range(1_024, 65_536), 1_024, 65_535),
    ],
)
def test_ports_lie_outside_the_range_of_the_system_as_long_as_it_leaves_any(
    system: range, lowest: int, highest: int
) -> None:
    found = blocks(system)
    assert (found[0][0], found[-1][-1]) == (lowest, highest)
    if len(system) < 60_000:
        assert not any(port in system for block in found for port in (block[0], block[-1]))


def test_a_system_that_does_not_say_its_range_has_that_of_the_standard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(ports, "SYSTEM_RANGE", tmp_path / "missing")
    assert system_range() == range(49_152, 65_536)
    (tmp_path / "missing").write_text("20000\t20100\n")
    assert system_range() == range(20_000, 20_101)
