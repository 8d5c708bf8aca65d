"""Real-time decisions: reads features and decides for all waiting requests in one pass."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from time import thread_time_ns
from typing import Final

import orjson

from decisioning.engine import DecisionContext, Decisions
from decisioning.explaining.rule_book import RuleBook
from decisioning.explaining.trace import Trace
from domain.decision import Candidate
from features.moments import utc_microseconds
from records.database import Database
from records.decision_writes import DecisionWrite, decision_row
from serving.beside import MODEL_FAILURES, Calls
from serving.customer_features import NO_STORE, CustomerFeatures, Origin
from serving.decider import Decider
from serving.reasons import reasons_of
from serving.service.answer import answer_of, chosen, offer_of
from serving.service.budgets import claims_of, remaining
from serving.service.clock import Clock
from serving.service.decision_request import DecisionRequest
from serving.service.engine import LiveEngine
from serving.service.steps import Steps, untimed

logger = logging.getLogger("nbo.service")

SEED: Final = 7
"""Seed of the exploration draws; together with customer, channel, request and moment it determines them."""


class Degraded(StrEnum):
    """Why a decision was made with less than the normal inputs; `docs/guides/service.md` describes the consequences."""

    FEATURES_FROM_LOG = "features_from_log"
    """The online state was missing or its store did not answer: the answer is the same, but slower."""
    FEATURES_UNREADABLE = "features_unreadable"
    """No features of the customer could be read: only offers that need no consent and no eligibility are made."""
    NO_SCORES = "no_scores"
    """A model failed: only offers that need no score are made."""
    CLOCK_MOVED = "clock_moved"
    """The machine's clock was changed: days, hours and limits may be off."""


@dataclass(frozen=True, slots=True)
class PendingDecision:
    """A decision that has been computed and not yet written.

    Attributes:
        book: Rule book of the trace.
        answered: Candidates with their placements, from `answer.chosen`.
        answer: Answer to the caller, sent after the commit.
        made: What to write; None for a dry run.
    """

    asked: DecisionRequest
    trace: Trace
    book: RuleBook
    answered: list[tuple[Candidate, str | None]]
    answer: bytes
    made: DecisionWrite | None
    features_from: str
    degraded: tuple[Degraded, ...]


@dataclass(frozen=True, slots=True)
class Decided:
    """Decisions made in one pass; row i answers request i."""

    asked: Sequence[DecisionRequest]
    read: CustomerFeatures
    decider: Decider
    decisions: Decisions
    degraded: tuple[Degraded, ...]


class DecisionService:
    """Computes decisions without writing them.

    The features of all customers are read together, each model is called once, and the kernels run once. For twenty
    customers that takes little longer than for one, and each gets the answer they would get alone.

    Args:
        database: Database of decisions and journal.
        clock: Clock that gives the decision time.
        engine: Returns the engine currently in use.
    """

    def __init__(self, database: Database, clock: Clock, engine: Callable[[], LiveEngine]) -> None:
        self._database = database
        self._clock = clock
        self._engine = engine

    def prepare(self, asked: Sequence[DecisionRequest], steps: Steps = untimed) -> list[PendingDecision]:
        """Read features and decide, all at one moment.

        Args:
            asked: Requests, each about a different customer.
            steps: Times the steps.

        Returns:
            One decision per request, in the same order.

        Raises:
            DataError: A request names something the bank does not know; no request is decided then.
            StateError: The journal does not answer.
        """
        engine = self._engine()
        for question in asked:
            question.check(engine)
        started = thread_time_ns()
        by_customer = {question.customer_id: question for question in asked}
        with steps("read", asked):
            found = engine.reader.read_together(list(by_customer), self._clock.now(), live=True)
        prepared: dict[str, PendingDecision] = {}
        made: list[Decided] = []
        for read in found:
            group = [by_customer[customer] for customer in read.features.customer_ids.tolist()]
            with steps("decide", group):
                made += self._decide(engine, group, read)
        for decided in made:
            prepared |= {one.asked.customer_id: one for one in _pending_decisions(engine, decided, steps)}
        nanoseconds = thread_time_ns() - started
        for decided in made:
            engine.decider.score_in_shadow(decided.decisions, nanoseconds // len(made))
        return [prepared[question.customer_id] for question in asked]

    def _decide(self, engine: LiveEngine, asked: Sequence[DecisionRequest], read: CustomerFeatures) -> list[Decided]:
        degraded = [] if self._clock.is_trusted else [Degraded.CLOCK_MOVED]
        if read.origin is Origin.UNKNOWN:
            degraded.append(Degraded.FEATURES_UNREADABLE)
        if read.origin is Origin.LOG and read.note != NO_STORE:
            degraded.append(Degraded.FEATURES_FROM_LOG)
        left = remaining(self._database, engine.decider.policy, read.as_of)
        context = DecisionContext(
            as_of=utc_microseconds(read.as_of),
            seed=SEED,
            channels=list(dict.fromkeys(question.channel for question in asked)),
            request=[question.context for question in asked],
            prices=engine.paced.now(left, read.as_of),
            remaining=left,
            at_once=True,
        )
        unknown = read.origin is Origin.NOTHING
        channels = [question.channel for question in asked]
        try:
            found = list(engine.decider.decide_as_assigned(read.features, context, unknown=unknown, asked=channels))
        except MODEL_FAILURES as error:
            if len(asked) > 1:
                raise  # the caller retries each request alone: one customer's features must not fail the others
            # offers that need no score are still made when a model fails
            degraded.append(Degraded.NO_SCORES)
            engine.decider.count(Calls(decisions=1, failed=1))
            logger.error("a model failed", extra={"error": type(error).__name__})
            found = list(engine.without_models.decide_as_assigned(read.features, context, unknown=unknown))
        return [
            Decided(
                [asked[row] for row in one.rows.tolist()],
                read if len(one.rows) == len(asked) else read.take(one.rows),
                one.decider,
                one.decisions,
                tuple(degraded),
            )
            for one in found
        ]


def _pending_decisions(engine: LiveEngine, decided: Decided, steps: Steps) -> Iterator[PendingDecision]:
    """Build the traces, answers and rows to write of decisions."""
    pairs, decider = engine.pairs, decided.decider
    with steps("record", decided.asked):
        traces = decider.traces(decided.decisions)
        written = [traces.of(row, question.channel) for row, question in enumerate(decided.asked)]
        answered = [chosen(question, trace, pairs) for question, trace in zip(decided.asked, written, strict=True)]
    with steps("reasons", decided.asked):
        explained = [
            (row, place, pairs[candidate.offer, candidate.channel])
            for row, (question, found) in enumerate(zip(decided.asked, answered, strict=True))
            for place, (candidate, _) in enumerate(found)
            if question.reasons and candidate.propensity is not None
        ]
        reasons = reasons_of(
            [pair for _, _, pair in explained],
            decided.decisions.features,
            [row for row, _, _ in explained],
            decider,
            unknown=decided.read.origin is Origin.NOTHING,
        )
        reasons_at = {(row, place): found for (row, place, _), found in zip(explained, reasons, strict=True)}
    for row, (question, trace, candidates) in enumerate(zip(decided.asked, written, answered, strict=True)):
        origin, degraded = decided.read.origin, decided.degraded
        offers = [
            offer_of(candidate, place, pairs[candidate.offer, candidate.channel], reasons_at.get((row, position), ()))
            for position, (candidate, place) in enumerate(candidates)
        ]
        answer = answer_of(question, trace, offers, features_from=origin, degraded=degraded)
        write = None if question.dry_run else decision_write(engine, decided, row, trace, candidates)
        yield PendingDecision(
            question, trace, decider.rule_book, candidates, orjson.dumps(answer), write, origin.value, degraded
        )


def decision_write(
    engine: LiveEngine, decided: Decided, row: int, trace: Trace, answered: Sequence[tuple[Candidate, str | None]]
) -> DecisionWrite:
    """Return what is written of a decision: its row, whether it is a contact, and what it claims of budgets."""
    # everything with a placement is shown; of a plain list only the first is certain to be
    shown = [candidate.offer for candidate, place in answered if place is not None]
    offered = shown or [candidate.offer for candidate, _ in answered[:1]]
    candidates = decided.decisions.policy.candidates
    columns = [
        column
        for column in candidates.by_channel[trace.channel].tolist()
        if candidates.pairs[column][0].name in offered
    ]
    is_contact = bool(offered) and trace.channel in engine.outbound
    return DecisionWrite(
        row=decision_row(trace, decided.read.origin, trace.text()),
        versions=trace.versions,
        book=decided.decider.rule_book,
        seen_version=decided.read.versions[row],
        seen_erasure=decided.read.erasure,
        is_contact=is_contact,
        offer=offered[0] if offered else None,
        product=engine.pairs[offered[0], trace.channel][0].product if offered else None,
        claims=claims_of(decided.decisions, row, columns) if columns else (),
    )
