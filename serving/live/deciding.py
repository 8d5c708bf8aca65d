"""Deciding in the moment: read, decide, keep, answer; anew where somebody else was quicker."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import orjson

from decisioning.engine import Decisions
from domain.decision import Candidate, Decision
from domain.errors import StateError
from domain.offer import Offer, Treatment
from features.moments import utc_microseconds
from features.table import FeatureTable
from serving.customer_features import NO_STORE, CustomerFeatures, Origin
from serving.database import Database
from serving.decider import Decider
from serving.journal.commits import GroupCommit
from serving.journal.keeping import Answering, Keeping, Kept, Made, Request, decision_row
from serving.journal.rows import microseconds
from serving.live.answer import answer_of, chosen
from serving.live.asking import Asked
from serving.live.budgets import claims_of, remaining
from serving.live.clock import Clock
from serving.live.engine import LiveEngine
from serving.live.steps import Steps, untimed
from serving.reasons import Reason, reasons_of
from serving.trace import to_text

logger = logging.getLogger("nbo.service")

SEED: Final = 7
"""Of the draws of exploration; with customer, channel, request and moment it decides them."""

TRIES: Final = 8
"""As often is a question decided anew because somebody else was quicker; then it is told to come again."""


class Degraded(StrEnum):
    """What was not as it should be when a decision was made; `docs/guides/service.md` has what follows from it."""

    FEATURES_FROM_LOG = "features_from_log"
    """The online state was not there, or its store did not answer: slower, the same answer."""
    FEATURES_UNREADABLE = "features_unreadable"
    """Nothing is known of the customer: only what needs no consent and no eligibility is offered."""
    NO_SCORES = "no_scores"
    """A model failed: only what needs no score is offered."""
    CLOCK_MOVED = "clock_moved"
    """The machine's clock was moved: days, hours and limits may be off."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A decision that was made, not kept yet.

    Attributes:
        features: The customer's, of which reasons are told.
        answered: Candidates with their places, of `answer.chosen`.
        made: What is to be kept; None for a dry run.
    """

    asked: Asked
    decision: Decision
    pairs: Mapping[tuple[str, str], tuple[Offer, Treatment]]
    features: FeatureTable
    decider: Decider
    answered: list[tuple[Candidate, str | None]]
    made: Made | None
    features_from: str
    degraded: tuple[Degraded, ...]


class DecisionService:
    """Decides for single customers and for batches, and keeps what it decides.

    Args:
        database: Of decisions and journal.
        commits: Which keeps together what waits together.
        clock: Of the moments.
        engine: Gives the one that decides now.
    """

    def __init__(
        self, database: Database, commits: GroupCommit, clock: Clock, engine: Callable[[], LiveEngine]
    ) -> None:
        self.database = database
        self.commits = commits
        self.clock = clock
        self.engine = engine
        self._keeping = Keeping(database)

    def prepare(self, asked: Asked, steps: Steps = untimed) -> Prepared:
        """Read and decide; nothing is kept.

        Raises:
            DataError: The bank does not know what is named.
            StateError: The journal does not answer.
        """
        engine = self.engine()
        asked.check(engine)
        degraded = [] if self.clock.is_trusted else [Degraded.CLOCK_MOVED]
        with steps("read"):
            read = self._read(engine, asked.customer_id, degraded)
        with steps("decide"):
            decider, decided = self._decide(engine, asked, read, degraded)
        with steps("record"):
            decision = decider.record(decided, 0, asked.channel)
            pairs = engine.pairs
            answered = chosen(asked, decision, pairs)
            made = None if asked.dry_run else _made(engine, decider, read, decision, decided, answered)
        return Prepared(
            asked, decision, pairs, decided.features, decider, answered, made, read.origin.value, tuple(degraded)
        )

    def reasons(self, prepared: Prepared) -> tuple[tuple[Reason, ...], ...]:
        """Say why the model likes what is answered."""
        pairs = prepared.pairs
        return reasons_of(
            [pairs[candidate.offer, candidate.channel] for candidate, _ in prepared.answered],
            prepared.features,
            prepared.decider,
        )

    def answer(self, prepared: Prepared, reasons: Sequence[Sequence[Reason]]) -> dict[str, Any]:
        """Say the decision."""
        return answer_of(
            prepared.asked,
            prepared.decision,
            prepared.answered,
            prepared.pairs,
            reasons,
            features_from=prepared.features_from,
            degraded=prepared.degraded,
        )

    def keep(self, prepared: Sequence[Prepared], request: Request | None, answer: bytes) -> Future[Kept]:
        """Hand decisions over to be kept, all or none; the outcome is there when they are committed."""
        made = tuple(one.made for one in prepared if one.made is not None)
        at = max((microseconds(one.decision.as_of) for one in prepared), default=0)
        return self.commits.submit(self._keeping, Answering(decisions=made, request=request, answer=answer, at=at))

    def decide(self, asked: Asked, request: Request | None = None) -> bytes:
        """Do all of it, one after the other: for those who can wait."""
        for _ in range(TRIES):
            prepared = self.prepare(asked)
            answer = orjson.dumps(self.answer(prepared, self.reasons(prepared)))
            if prepared.made is None:
                return answer
            kept = self.keep([prepared], request, answer).result()
            if kept.done:
                return answer
            if kept.before is not None:
                return kept.before
        raise crowded()

    def _read(self, engine: LiveEngine, customer_id: str, degraded: list[Degraded]) -> CustomerFeatures:
        now = self.clock.now()
        read = engine.reader.read(customer_id, now, live=True)
        if read.origin is Origin.UNKNOWN:
            degraded.append(Degraded.FEATURES_UNREADABLE)
        if read.origin is Origin.LOG and read.note != NO_STORE:
            degraded.append(Degraded.FEATURES_FROM_LOG)
        return read

    def _decide(
        self, engine: LiveEngine, asked: Asked, read: CustomerFeatures, degraded: list[Degraded]
    ) -> tuple[Decider, Decisions]:
        left = remaining(self.database, engine.decider.policy, read.as_of)
        given: dict[str, Any] = {
            "as_of": utc_microseconds(read.as_of),
            "seed": SEED,
            "channels": [asked.channel],
            "request": asked.context,
            "prices": engine.paced.now(left, read.as_of),
            "remaining": left,
        }
        try:
            return engine.decider, engine.decider.decide(read.features, **given)
        except (ArithmeticError, TypeError, AttributeError, RuntimeError, ValueError) as error:
            # a model that fails must not keep back what needs no score
            degraded.append(Degraded.NO_SCORES)
            logger.error("a model failed", extra={"error": type(error).__name__})
            return engine.without_models, engine.without_models.decide(read.features, **given)


def _made(
    engine: LiveEngine,
    decider: Decider,
    read: CustomerFeatures,
    decision: Decision,
    decided: Decisions,
    answered: Sequence[tuple[Candidate, str | None]],
) -> Made:
    # what stands in places is shown; of a plain list the first is sure to be
    shown = [candidate.offer for candidate, place in answered if place is not None]
    offered = shown or [candidate.offer for candidate, _ in answered[:1]]
    mine = decided.policy.candidates
    columns = [column for column in mine.by_channel[decision.channel].tolist() if mine.pairs[column][0].name in offered]
    is_contact = bool(offered) and decision.channel in engine.outbound
    return Made(
        row=decision_row(decision, read.origin, to_text(decision, decider.rule_book)),
        versions=decision.versions,
        book=decider.rule_book,
        seen_version=read.version if is_contact else None,
        offer=offered[0] if offered else None,
        product=engine.pairs[offered[0], decision.channel][0].product if offered else None,
        claims=claims_of(decided, 0, columns) if columns else (),
    )


def crowded() -> StateError:
    """Say that others were always quicker."""
    return StateError(
        "too many decide at once about the same customer or budget",
        got=f"{TRIES} tries",
        remedy="ask again in a moment",
    )
