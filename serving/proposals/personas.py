"""Decides for personas, and says which of them do not get what is expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from math import isnan
from typing import Final

import numpy as np

from config.bank import Bank
from config.personas import Persona
from decisioning.engine import DecisionContext
from decisioning.policies.policy import Control, Exploration
from domain.errors import DataError, nearest
from expressions.types import Category, ColumnType
from features.moments import utc_microseconds
from features.table import FeatureTable
from serving.decider import Decider

_SEED: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaOutcome:
    """What became of a persona.

    Attributes:
        persona: Its name.
        passed: Whether it got what is expected.
        expected: What is expected, in words.
        got: What it got, in words.
    """

    persona: str
    passed: bool
    expected: str
    got: str


def try_personas(decider: Decider, bank: Bank, as_of: datetime) -> list[PersonaOutcome]:
    """Decide for every persona of a bank, without exploration, control groups and models' draws.

    Args:
        decider: Models, and the bank that they decide for today.
        bank: The bank to decide for.
        as_of: The moment.
    """
    certain = replace(bank.policy, exploration=Exploration(epsilon=0.0, floor=0.0), control=Control())
    used = decider.for_bank(replace(bank, policy=certain))
    return [_outcome(used, persona, as_of) for persona in bank.personas]


def _outcome(decider: Decider, persona: Persona, as_of: datetime) -> PersonaOutcome:
    rule = persona.kept_away_by
    expected = f"{persona.offer} comes first" if rule is None else f"{rule} keeps {persona.offer} away"
    try:
        table = _features(decider, persona, as_of)
        context = DecisionContext(as_of=utc_microseconds(as_of), seed=_SEED, channels=[persona.channel])
        decision = decider.record(decider.decide(table, context), 0, persona.channel)
    except DataError as error:
        return PersonaOutcome(persona=persona.name, passed=False, expected=expected, got=str(error))
    first = decision.offers[0].offer if decision.offers else None
    failed = [
        verdict.rule
        for candidate in decision.candidates
        if candidate.offer == persona.offer
        for verdict in candidate.verdicts
        if not verdict.passed
    ]
    got = "nothing is offered" if first is None else f"{first} comes first"
    if failed:
        got += f"; {', '.join(failed)} keeps {persona.offer} away"
    passed = first == persona.offer if rule is None else rule in failed
    return PersonaOutcome(persona=persona.name, passed=passed, expected=expected, got=got)


def _features(decider: Decider, persona: Persona, as_of: datetime) -> FeatureTable:
    schema: dict[str, ColumnType] = {name: decider.bank.features.features[name].type for name in decider.features}
    known = decider.bank.features.features
    for name in persona.features:
        if name not in known:
            raise DataError("no such feature", got=f"'{name}'", expected=nearest(name, known))
    return FeatureTable(
        np.array([f"persona {persona.name}"], dtype=object),
        np.array([utc_microseconds(as_of)]),
        {name: np.array([_number(name, persona.features, kind)]) for name, kind in schema.items()},
        schema,
    )


def _number(name: str, values: Mapping[str, bool | float | str], kind: ColumnType) -> float:
    value = values.get(name)
    if value is None:
        return float("nan")
    if isinstance(kind, Category):
        code = kind.code(str(value))
        if isnan(code):
            raise DataError(f"no such value of {name}", got=f"'{value}'", expected=nearest(str(value), kind.values))
        return code
    if isinstance(value, str):
        raise DataError(f"wrong value of {name}", got=f"'{value}'", expected="a number, true or false")
    return float(value)
