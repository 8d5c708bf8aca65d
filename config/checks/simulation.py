"""Checks of `simulation.yaml`, and of whether the simulated world knows the bank's names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final

from config.bank import BankIdentity
from domain.errors import DataError, Problem
from domain.offer import Offer
from events.vocabulary import Vocabulary
from simulation.market import check_world
from simulation.settings import Simulation

FILE: Final = "simulation.yaml"


def simulation_problems(simulation: Simulation) -> Iterator[Problem]:
    """Find numbers and dates out of range."""
    ranges = (
        ("customers", simulation.customers, 1, 10_000_000),
        ("months", simulation.months, 1, 240),
        ("seed", simulation.seed, 0, 2**32 - 1),
    )
    for name, number, least, most in ranges:
        if not least <= number <= most:
            expected = f"{least:,} to {most:,}"
            yield Problem(file=FILE, path=(name,), what=f"{name} is out of range", got=f"{number}", expected=expected)
    if not date(1970, 1, 1) <= simulation.start <= date(2200, 1, 1):
        expected = "a day from 1970 to 2200"
        yield Problem(
            file=FILE, path=("start",), what="start is out of range", got=f"{simulation.start}", expected=expected
        )


def source_folder_problems(identity: BankIdentity) -> Iterator[Problem]:
    """Refuse a source folder together with a simulation, which would overwrite its files."""
    if identity.source_folder is not None:
        yield Problem(
            file="bank.yaml",
            path=("source_folder",),
            what="a bank's files are either delivered or simulated",
            got=f"'{identity.source_folder}' together with {FILE}",
            expected="one of the two",
            remedy=f"remove {FILE}, or this line",
        )


def world_problems(offers: Sequence[Offer], vocabulary: Vocabulary) -> Iterator[Problem]:
    """Find names of the folder that the simulated world does not have."""
    try:
        check_world(tuple(offers), vocabulary)
    except DataError as error:
        yield Problem(file=FILE, path=(), what=error.what, got=error.got, expected=error.expected, remedy=error.remedy)
