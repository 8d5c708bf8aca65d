"""A bank's logged decisions with their outcomes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from config.bank import Bank
from domain.offer import Offer, OfferClass
from events.log import EventLog
from expressions.types import Array
from features.moments import utc_microseconds
from features.responses import Responses, responses
from records.decision_log import DecisionLog, LoggedDecision

NO_DECISION: Final = "cite no decision"
NOT_MATURED: Final = "not matured"
NOT_FIRST: Final = "not the first offer of their decision"
NO_PROBABILITY: Final = "decided without a probability"
NO_FEATURES: Final = "features are no longer kept"
UNKNOWN: Final = "decision is archived or unknown"
LEARNED_FROM: Final = "made before the model's last training data"
TOO_LATE: Final = "later than the longest response window ago"
NOT_OFFERED: Final = "not among today's offers of their channel"
MOST_CONTACTS: Final = 100_000
"""Contacts of other systems that are decided for again; of more, so many are drawn."""
NOT_DRAWN: Final = f"not among the {MOST_CONTACTS:,} contacts that were drawn"
REASONS: Final = (
    NO_DECISION, NOT_MATURED, NOT_FIRST, NO_PROBABILITY, NO_FEATURES, UNKNOWN, LEARNED_FROM, TOO_LATE, NOT_OFFERED,
    NOT_DRAWN,
)  # fmt: skip
"""Why impressions tell nothing."""


@dataclass(frozen=True, slots=True)
class LoggedOutcomes:
    """Decisions that were presented and whose response windows have ended, in time order.

    Attributes:
        decisions: The n logged decisions.
        reward: Value of the acceptance, in the bank's currency; 0 without one. Shape (n,).
        accepted: Whether the offer was accepted. Shape (n,).
        left_out: Number of impressions that tell nothing, by reason.
        without_decision: Those of them that are matured, cite no logged decision and are the first offer of their own,
            with the probability of their choice where their source records it; None if they are not known.
    """

    decisions: tuple[LoggedDecision, ...]
    reward: Array
    accepted: NDArray[np.bool_]
    left_out: Mapping[str, int]
    without_decision: Responses | None = None

    def since(self, moment: datetime) -> LoggedOutcomes:
        """Return the decisions from a moment on: a model is not judged on what it has learned from."""
        moments = np.array([utc_microseconds(one.as_of) for one in self.decisions], dtype="datetime64[us]")
        return self.take(np.flatnonzero(moments >= utc_microseconds(moment)), LEARNED_FROM)

    def take(self, rows: NDArray[np.intp], reason: str) -> LoggedOutcomes:
        """Return some of the decisions, and count the others as left out for a reason."""
        others = len(self.decisions) - len(rows)
        return replace(
            self,
            decisions=tuple(self.decisions[row] for row in rows.tolist()),
            reward=self.reward[rows],
            accepted=self.accepted[rows],
            left_out={**self.left_out, **({reason: others} if others else {})},
        )

    def comparable_rows(self, offers: tuple[Offer, ...], until: datetime) -> NDArray[np.intp]:
        """Return the decisions that can be compared: at their moment every offer's outcome would be known by `until`.

        With only each offer's own window over, the latest decisions would be those with short windows.

        Args:
            offers: Today's offers; windows of those that are no commercial ones do not count, as they earn nothing.
            until: Moment of the evaluation.
        """
        longest = longest_window(offers)
        return np.flatnonzero([one.as_of + longest <= until for one in self.decisions])

    def with_decisions(
        self, decisions: Sequence[LoggedDecision], accepted: NDArray[np.bool_], left_out: Mapping[str, int]
    ) -> LoggedOutcomes:
        """Return these and other decisions in time order, with the impressions that are left out of all.

        Args:
            decisions: Other decisions; the accepted ones have the value of their acceptance.
            accepted: Whether they were accepted.
            left_out: Number of impressions that tell nothing, by reason; those without any are not listed.
        """
        every, answers = [*self.decisions, *decisions], np.concatenate([self.accepted, accepted])
        order = sorted(range(len(every)), key=lambda row: (every[row].as_of, every[row].decision_id))
        ordered = tuple(every[row] for row in order)
        taken = answers[order].astype(bool)
        return replace(
            self,
            decisions=ordered,
            reward=np.array([one.value or 0.0 for one in ordered], dtype=np.float64) * taken,
            accepted=taken,
            left_out={reason: count for reason, count in left_out.items() if count},
        )


def longest_window(offers: tuple[Offer, ...]) -> timedelta:
    """Return the longest response window of the commercial offers."""
    commercial = [offer for offer in offers if offer.offer_class is OfferClass.COMMERCIAL]
    return timedelta(days=max((offer.response_window_days for offer in commercial), default=0))


def logged_outcomes(decision_log: DecisionLog, log: EventLog, bank: Bank, until: datetime) -> LoggedOutcomes:
    """Match the impressions of the event log with the decisions that they cite.

    Args:
        decision_log: Log of decisions.
        log: Event log.
        bank: The bank that decided.
        until: Moment of the evaluation; later news does not count, and windows that end later are not over.

    Raises:
        DataError: The bank's vocabulary has no contacts.
    """
    contacts = bank.vocabulary.contacts
    types = () if contacts is None else (contacts.presented, contacts.accepted)
    found = responses(log.read_types(types), bank.vocabulary, bank.offers, until)
    cited = ~np.array([decision is None for decision in found.decision_id], dtype=bool)
    left_out = Counter({NO_DECISION: int((~cited).sum()), NOT_MATURED: int((cited & ~found.matured).sum())})
    rows = np.flatnonzero(cited & found.matured)
    first: dict[str, int] = {}
    for row in rows.tolist():
        first.setdefault(found.decision_id[row], row)
    decisions, answers = [], []
    for logged in decision_log.with_ids(sorted(first)):
        row = first.pop(logged.decision_id)
        if logged.offer != found.offer[row]:
            left_out[NOT_FIRST] += 1
        elif logged.selection_probability is None or not logged.selection_probability > 0.0:
            left_out[NO_PROBABILITY] += 1
        elif logged.record is None and logged.part is None:
            left_out[NO_FEATURES] += 1
        else:
            decisions.append(logged)
            answers.append(bool(found.accepted[row]))
    left_out[UNKNOWN] = len(first)
    without_decision = found.take(
        np.array(sorted([*np.flatnonzero(~cited & found.matured), *first.values()]), dtype=np.intp)
    )
    none = LoggedOutcomes((), np.empty(0), np.empty(0, dtype=bool), {}, without_decision)
    return none.with_decisions(decisions, np.array(answers, dtype=bool), left_out)
