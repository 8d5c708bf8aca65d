"""The trace of a decision: its compact stored form, from which the full record can be rebuilt.

Most of a record is passed verdicts and feature names, and many candidates fail for the same reason. A trace therefore
refers to failed rules by their position in a `RuleBook`, to reasons by their position in a list, and to features by
their order. `decision_of` rebuilds the whole record from its text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import cached_property, lru_cache
from itertools import takewhile
from math import isfinite, isnan
from typing import Any, Final

import numpy as np
import orjson

from decisioning.engine import Decisions, as_datetime
from decisioning.explaining.explanation import DecisionExplanation
from decisioning.explaining.rule_book import RuleBook
from decisioning.policies.compiled import CompiledPolicy
from decisioning.policies.draws import Arm
from domain.decision import Candidate, Decision
from domain.errors import StateError
from expressions.types import Array, Boolean, Category
from features.table import in_words

STAGE: Final = "stage"
RULES: Final = "rules"
"""Key of a trace with the digest of its rule book; records of former versions have none."""

_OWN_FORM: Final = frozenset({"as_of", "features", "candidates"})
_PLAIN: Final = tuple(field.name for field in fields(Decision) if field.name not in _OWN_FORM)
_OF_CANDIDATE: Final = tuple(field.name for field in fields(Candidate) if field.name not in {"channel", "verdicts"})
_RANK: Final = _OF_CANDIDATE.index("rank")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The compact form of one decision.

    Attributes:
        features: Values in the order of the rule book's names; NaN and None for NULL.
        candidates: By rank, then allowed ones by priority, then rejected ones. Each has the candidate's numbers,
            followed by a list of its failed rules: position of the rule, position of the reason.
        reasons: Reasons of failed rules.
        rules: Digest of the rule book.
    """

    decision_id: str
    customer_id: str
    channel: str
    as_of: datetime
    stage: str | None
    seed: int
    features: list[float | str | bool | None]
    versions: Mapping[str, str]
    arm: str
    request: Mapping[str, str | float | bool | None]
    prices: Mapping[str, float]
    remaining: Mapping[str, float | None]
    candidates: list[list[Any]]
    fallback: str | None
    reasons: list[str]
    rules: str

    @property
    def offers(self) -> tuple[Candidate, ...]:
        """The ranked candidates in order of rank, without their verdicts."""
        ranked = takewhile(lambda candidate: candidate[_RANK] is not None, self.candidates)
        return tuple(
            Candidate(channel=self.channel, **dict(zip(_OF_CANDIDATE, map(_known, one[:-1]), strict=True)))
            for one in ranked
        )

    def first_failures(self) -> Iterator[int]:
        """Yield the position of the first rule that each rejected candidate failed."""
        return (failed[0][0] for *_, failed in self.candidates if failed)

    def text(self) -> str:
        """Return the trace as JSON, with NaN as null."""
        return orjson.dumps(self).decode()


class Traces:
    """Creates the traces of decisions that were made together.

    Args:
        decisions: Decisions for n customers.
        book: Rule book of their policy, with the features to store.
    """

    def __init__(self, decisions: Decisions, book: RuleBook) -> None:
        self._decisions = decisions
        self._book = book
        self._explanation = DecisionExplanation(decisions)
        policy = decisions.policy
        self._offers = [offer.name for offer, _ in policy.candidates.pairs]
        self._contact_cost = policy.candidates.columns["contact_cost"].tolist()
        self._remaining = {name: left if isfinite(left) else None for name, left in decisions.remaining.items()}
        self._stage = book.features.index(STAGE) if STAGE in book.features else None

    def of(self, customer: int, channel: str) -> Trace:
        """Return the trace for one customer, by position, in one of the decided channels."""
        decisions, reasons = self._decisions, dict[str, int]()
        candidates = self._candidates(customer, channel, reasons)
        values = self._feature_values(customer)
        stage = None if self._stage is None else values[self._stage]
        return Trace(
            decision_id=decisions.decision_ids([(customer, channel)])[0],
            customer_id=str(decisions.features.customer_ids[customer]),
            channel=channel,
            as_of=as_datetime(decisions.as_of),
            stage=None if stage is None else str(stage),
            seed=decisions.seed,
            features=values,
            versions=decisions.versions,
            arm=Arm(int(decisions.arm[customer])).label,
            request=decisions.request_of(customer),
            prices=decisions.prices,
            remaining=self._remaining,
            candidates=candidates,
            fallback=self._explanation.fallback(customer, channel),
            reasons=list(reasons),
            rules=self._book.digest,
        )

    def record(self, customer: int, channel: str) -> Decision:
        """Return the full record, as rebuilt from the trace."""
        return decision_of(self.of(customer, channel).text(), self._book)

    @cached_property
    def _matrix(self) -> Array:
        return self._decisions.features.matrix(self._book.features)

    @cached_property
    def _numbers(self) -> Array:
        """Shape (n, m, numbers): each candidate's numbers in the order of a trace, then those it is sorted by."""
        scores, ranking = self._decisions.scores, self._decisions.ranking
        allowed = self._decisions.allowed
        parts = (
            *(scores.propensity, scores.value, scores.context, scores.lever, scores.cost, scores.budget_cost),
            np.where(allowed, scores.priority, np.nan),
            *(ranking.rank, ranking.selection_probability, ranking.rank_probability),
            *(allowed, self._decisions.keys),
        )
        return np.stack(parts, axis=-1, dtype=np.float64)

    def _feature_values(self, customer: int) -> list[float | str | bool | None]:
        values: list[Any] = self._matrix[customer].tolist()
        for place, kind in _no_numbers(self._decisions.policy, self._book.features):
            values[place] = in_words(values[place], kind)
        return values

    def _candidates(self, customer: int, channel: str, reasons: dict[str, int]) -> list[list[Any]]:
        ordered: list[tuple[tuple[bool, float, bool, float, int], list[Any]]] = []
        explained = self._explanation.failed
        mine = self._decisions.policy.candidates.by_channel[channel]
        for column, numbers in zip(mine.tolist(), self._numbers[customer, mine].tolist(), strict=True):
            *costs, cost, budget_cost, priority, rank, first, standing, allowed, key = numbers
            failed = [
                (position, reasons.setdefault(reason, len(reasons))) for position, reason in explained(customer, column)
            ]
            candidate = [
                self._offers[column],
                *costs,
                self._contact_cost[column] if isnan(cost) else cost,
                0.0 if isnan(budget_cost) else budget_cost,
                priority,
                int(rank) or None,
                first,
                standing,
                failed,
            ]
            ordered.append(((rank == 0, rank, not allowed, -key if allowed else 0.0, column), candidate))
        return [candidate for _, candidate in sorted(ordered, key=lambda pair: pair[0])]


@lru_cache(maxsize=64)
def _no_numbers(policy: CompiledPolicy, features: tuple[str, ...]) -> list[tuple[int, Category | Boolean]]:
    """Return the positions and types of the features that are not numbers."""
    kinds = enumerate(policy.names.schema[name] for name in features)
    return [(place, kind) for place, kind in kinds if isinstance(kind, Category | Boolean)]


def decision_of(text: str | bytes, book: RuleBook) -> Decision:
    """Rebuild a decision from the text of a trace.

    Raises:
        StateError: If the trace is damaged.
    """
    try:
        trace = orjson.loads(text)
        content = {name: trace[name] for name in _PLAIN if name in trace}
        content["as_of"] = datetime.fromisoformat(trace["as_of"])
        content["features"] = dict(zip(book.features, trace["features"], strict=True))
        content["candidates"] = tuple(_candidate(stored, trace, book) for stored in trace["candidates"])
        return Decision(**content)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise StateError(
            "a record of a decision cannot be read", got=str(error), expected="a complete record"
        ) from error


def _candidate(stored: list[Any], trace: Mapping[str, Any], book: RuleBook) -> Candidate:
    *values, failed = stored
    attributes = dict(zip(_OF_CANDIDATE, values, strict=True))
    channel = trace["channel"]
    reasons = [(position, trace["reasons"][number]) for position, number in failed]
    return Candidate(**attributes, channel=channel, verdicts=book.verdicts(attributes["offer"], channel, reasons))


def _known(value: Any) -> Any:
    return None if value != value else value  # noqa: PLR0124  NaN
