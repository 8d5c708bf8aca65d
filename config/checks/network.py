"""Checks of `network.yaml`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from config.network import Network
from domain.addresses import entry_mistake
from domain.problem import Problem

FILE: Final = "network.yaml"


def network_problems(network: Network) -> Iterator[Problem]:
    """Find entries that are not a host, address or network."""
    for place, entry in enumerate(network.inside):
        expected = entry_mistake(entry)
        if expected is not None:
            what = "not a host, address or network"
            yield Problem(file=FILE, path=("inside", place), what=what, got=f"'{entry}'", expected=expected)
