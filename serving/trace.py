"""A decision as it is kept: everything its record says, in a tenth of the time and space.

Most of a record is verdicts that passed, and most reasons of those that failed are the same for many candidates. So a
trace names the rules that failed by their position in the policy's `RuleBook`, and a reason by its position in a list.
What comes out of `decision_of` is what `decisioning.record` writes, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np
import orjson

from decisioning.arms import Arm
from decisioning.engine import Decisions, as_datetime
from decisioning.explanation import Explanation
from decisioning.record import STAGE
from decisioning.verdicts import BITS_PER_WORD
from domain.decision import Candidate, Decision
from domain.errors import StateError
from serving.rule_book import RuleBook

RULES: Final = "rules"
"""Key of a trace that names its rule book; records of former versions have none."""

_NUMBERS: Final = ("propensity", "value", "context", "lever", "cost", "budget_cost", "priority")


class _Reasons(Explanation):
    """Words for single verdicts, each reason numbered once."""

    def __init__(self, decisions: Decisions, customer: int) -> None:
        super().__init__(decisions, customer)
        self.texts: dict[str, int] = {}

    def number(self, position: int, candidate: int) -> int:
        rule = self._decisions.policy.rules[position]
        part = next((part for part in rule.parts if candidate in part.places_of), None)
        return self.texts.setdefault(self._reason(rule, part, candidate), len(self.texts))


def trace_of(
    decisions: Decisions, customer: int, channel: str, features: Iterable[str], book: RuleBook
) -> dict[str, Any]:
    """Write down what was decided for one customer in one channel.

    Args:
        decisions: That of the customer among them.
        customer: Position of the customer.
        channel: One of the channels that were decided.
        features: Columns to keep beside those that the policy read: what the models used.
        book: Of the policy.

    Returns:
        What JSON can hold; the candidates in the order of `decisioning.record`.
    """
    columns = decisions.features.columns
    names = sorted({*decisions.policy.features, *features} | ({STAGE} & set(columns)))
    said = decisions.features.select(names).take(np.array([customer])).row(0)
    stage = said.get(STAGE)
    reasons = _Reasons(decisions, customer)
    mine = decisions.policy.candidates.by_channel[channel]
    numbers = _numbers(decisions, customer, mine)
    order = sorted(range(len(mine)), key=lambda place: _order(numbers, place))
    candidates = []
    for place in order:
        column = int(mine[place])
        words = decisions.bits[customer, column].tolist()
        failed = [[position, reasons.number(position, column)] for position in _positions(words)]
        offer, _ = decisions.policy.candidates.pairs[column]
        candidates.append([offer.name, *(numbers[name][place] for name in _KEPT), failed])
    return {
        "decision_id": decisions.decision_ids([(customer, channel)])[0],
        "customer_id": str(decisions.features.customer_ids[customer]),
        "channel": channel,
        "as_of": as_datetime(decisions.as_of).isoformat(),
        "stage": None if stage is None else str(stage),
        "seed": decisions.seed,
        "features": said,
        "versions": dict(decisions.versions),
        "arm": Arm(int(decisions.arm[customer])).label,
        "request": dict(decisions.request),
        "prices": dict(decisions.prices),
        "remaining": {name: left if np.isfinite(left) else None for name, left in decisions.remaining.items()},
        "fallback": reasons.fallback(channel),
        "candidates": candidates,
        "reasons": list(reasons.texts),
        RULES: book.digest,
    }


_KEPT: Final = (*_NUMBERS, "rank", "selection_probability", "rank_probability")


def _numbers(decisions: Decisions, customer: int, mine: Any) -> dict[str, list[Any]]:
    worth, ranking = decisions.worth, decisions.ranking
    treatments = [decisions.policy.candidates.pairs[column][1] for column in mine.tolist()]
    contact_costs = np.array([treatment.cost for treatment in treatments])
    allowed = decisions.allowed[customer, mine]
    cost, budget_cost = worth.cost[customer, mine], worth.budget_cost[customer, mine]
    priority = np.where(allowed, worth.priority[customer, mine], np.nan)
    found: dict[str, Any] = {
        "propensity": _known(worth.propensity[customer, mine]),
        "value": _known(worth.value[customer, mine]),
        "context": worth.context[customer, mine].tolist(),
        "lever": worth.lever[customer, mine].tolist(),
        "cost": np.where(np.isnan(cost), contact_costs, cost).tolist(),
        "budget_cost": np.nan_to_num(budget_cost).tolist(),
        "priority": _known(priority),
        "rank": [rank or None for rank in ranking.rank[customer, mine].tolist()],
        "selection_probability": ranking.selection_probability[customer, mine].tolist(),
        "rank_probability": ranking.rank_probability[customer, mine].tolist(),
        "allowed": allowed.tolist(),
        "key": np.where(allowed, decisions.keys[customer, mine], 0.0).tolist(),
    }
    return found


def _known(values: Any) -> list[float | None]:
    return [None if value != value else value for value in values.tolist()]  # noqa: PLR0124  NaN is not itself


def _order(numbers: Mapping[str, list[Any]], place: int) -> tuple[bool, int, bool, float, int]:
    rank = numbers["rank"][place] or 0
    return (rank == 0, rank, not numbers["allowed"][place], -numbers["key"][place], place)


def _positions(words: list[int]) -> list[int]:
    """Positions of the bits that are set."""
    return [
        word * BITS_PER_WORD + bit
        for word, bits in enumerate(words)
        if bits
        for bit in range(bits.bit_length())
        if bits >> bit & 1
    ]


def to_text(trace: Mapping[str, Any]) -> str:
    """Write a trace as JSON."""
    return orjson.dumps(trace).decode()


def decision_of(trace: Mapping[str, Any], book: RuleBook) -> Decision:
    """Read a trace back.

    Raises:
        StateError: The trace is damaged.
    """
    try:
        content = {name: value for name, value in trace.items() if name not in {"reasons", RULES}}
        content["as_of"] = datetime.fromisoformat(content["as_of"])
        content["candidates"] = tuple(_candidate(kept, trace, book) for kept in trace["candidates"])
        return Decision(**content)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise StateError("a record of a decision cannot be read", got=str(error), expected="a whole record") from error


def _candidate(kept: list[Any], trace: Mapping[str, Any], book: RuleBook) -> Candidate:
    offer, *numbers, failed = kept
    reasons = [(position, trace["reasons"][number]) for position, number in failed]
    verdicts = book.verdicts(offer, trace["channel"], reasons)
    return Candidate(offer=offer, channel=trace["channel"], **dict(zip(_KEPT, numbers, strict=True)), verdicts=verdicts)
