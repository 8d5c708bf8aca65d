"""A decision as it is kept: everything its record says, in a fraction of the space.

Most of a record is verdicts that passed and names of features, and most reasons of what failed are the same for many
candidates. So a trace names the rules that failed by their position in a `RuleBook`, a reason by its position in a
list, and features by their order. What `decision_of` makes of it is the record again, to the last bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import orjson

from domain.decision import Candidate, Decision
from domain.errors import StateError
from serving.rule_book import RuleBook

RULES: Final = "rules"
"""Key of a trace that names its rule book; records of former versions have none."""

_OWN_FORM: Final = frozenset({"as_of", "features", "candidates"})
_PLAIN: Final = tuple(field.name for field in fields(Decision) if field.name not in _OWN_FORM)
_OF_CANDIDATE: Final = tuple(field.name for field in fields(Candidate) if field.name not in {"channel", "verdicts"})
_plain_values = attrgetter(*_PLAIN)
_candidate_values = attrgetter(*_OF_CANDIDATE)


def to_text(decision: Decision, book: RuleBook) -> str:
    """Write a decision down.

    Args:
        decision: Whose candidates are all in one channel.
        book: Of its policy, and of the features that it keeps.
    """
    reasons: dict[str, int] = {}
    candidates = []
    for candidate in decision.candidates:
        failed = [
            (position, reasons.setdefault(reason, len(reasons)))
            for position, reason in book.failed(candidate.offer, candidate.channel, candidate.verdicts)
        ]
        candidates.append((*_candidate_values(candidate), failed))
    trace = dict(zip(_PLAIN, _plain_values(decision), strict=True))
    trace["as_of"] = decision.as_of.isoformat()
    trace["features"] = [decision.features[name] for name in book.features]
    trace["candidates"] = candidates
    trace["reasons"] = list(reasons)
    trace[RULES] = book.digest
    return orjson.dumps(trace).decode()


def decision_of(trace: Mapping[str, Any], book: RuleBook) -> Decision:
    """Read what `to_text` wrote, parsed.

    Raises:
        StateError: The trace is damaged.
    """
    try:
        content = {name: trace[name] for name in _PLAIN if name in trace}
        content["as_of"] = datetime.fromisoformat(trace["as_of"])
        content["features"] = dict(zip(book.features, trace["features"], strict=True))
        content["candidates"] = tuple(_candidate(kept, trace, book) for kept in trace["candidates"])
        return Decision(**content)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise StateError("a record of a decision cannot be read", got=str(error), expected="a whole record") from error


def _candidate(kept: list[Any], trace: Mapping[str, Any], book: RuleBook) -> Candidate:
    *values, failed = kept
    said = dict(zip(_OF_CANDIDATE, values, strict=True))
    channel = trace["channel"]
    reasons = [(position, trace["reasons"][number]) for position, number in failed]
    return Candidate(**said, channel=channel, verdicts=book.verdicts(said["offer"], channel, reasons))
