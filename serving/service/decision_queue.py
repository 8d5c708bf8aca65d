"""The decision queue: decides waiting requests in micro-batches, commits the decisions, then answers the callers."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from domain.errors import DataError, StateError
from records.database import AwayError
from records.decision_writes import AnswerWrite, DecisionWrite, DecisionWriter, IdempotencyKey, WriteOutcome
from records.group_commit import GroupCommit, late
from records.micro_batching import MicroBatcher
from serving.service.deciding import DecisionService, PendingDecision
from serving.service.decision_request import DecisionRequest
from serving.service.instrumentation import Instrumentation

TRIES: Final = 8
"""How often a request is decided when concurrent writes get ahead of it; then the caller is asked to retry."""

MOST_TOGETHER: Final = 32
"""Maximum size of a micro-batch; in larger ones the first request would wait for the others' traces."""


class IdempotencyClashError(DataError):
    """The idempotency key was used for a different request."""


@dataclass(slots=True)
class _Question:
    asked: DecisionRequest
    request: IdempotencyKey | None
    mark: object
    until: float
    answer: Future[bytes] = field(default_factory=Future)
    tries: int = 1


class DecisionQueue:
    """Answers requests in order of arrival, all waiting ones together.

    One thread decides. The decisions go to the group commit while the next requests are decided; callers are answered
    once their decision is durable. If a customer was contacted or a budget spent since it was read, the request is
    decided again.

    Args:
        decisions: Computes the decisions.
        commits: Group commit.
        writer: Writes decisions within a group commit.
        instrumentation: Returns the current instrumentation.
        patience: How long callers wait, seconds; a request not decided by then is dropped.
    """

    def __init__(
        self,
        decisions: DecisionService,
        commits: GroupCommit,
        writer: DecisionWriter,
        instrumentation: Callable[[], Instrumentation],
        patience: float = math.inf,
    ) -> None:
        self._decisions = decisions
        self._commits = commits
        self._writer = writer
        self._instrumentation = instrumentation
        self._patience = patience
        self._turns: MicroBatcher[_Question] = MicroBatcher(self._decide_batch, most=MOST_TOGETHER, name="decide")

    def ask(self, asked: DecisionRequest, request: IdempotencyKey | None = None) -> Future[bytes]:
        """Queue a request; the future holds the answer once the decision is committed.

        Args:
            asked: The request.
            request: Idempotency key; None if the caller gave none.

        Raises:
            DataError: Through the future: the request names something the bank does not know.
            StateError: Through the future: the decision could not be written. Immediately: the queue is closed.
            RequestClashError: Through the future: the idempotency key was used for a different request.
        """
        question = _Question(asked, request, self._instrumentation().asked(), time.monotonic() + self._patience)
        # from here on nobody can cancel: the decision is made even if the caller disconnects
        question.answer.set_running_or_notify_cancel()
        self._turns.put(question)
        return question.answer

    def close(self) -> None:
        """Decide what is waiting and accept nothing more."""
        self._turns.close()

    def _decide_batch(self, questions: list[_Question]) -> None:
        """Decide, one request per customer at a time: a second request about a customer must see the first's result."""
        while questions:
            first: dict[str, _Question] = {}
            for question in questions:
                first.setdefault(question.asked.customer_id, question)
            self._decide_distinct(list(first.values()))
            questions = [question for question in questions if first[question.asked.customer_id] is not question]

    def _decide_distinct(self, questions: list[_Question]) -> None:
        now = time.monotonic()
        for question in questions:
            if question.until <= now:
                question.answer.set_exception(late())
        questions = [question for question in questions if question.until > now]
        if not questions:
            return
        instrumentation = self._instrumentation()
        instrumentation.together(questions)
        try:
            prepared = self._decisions.prepare([question.asked for question in questions], instrumentation.step)
        except AwayError as error:
            for question in questions:
                question.answer.set_exception(error)
            return
        except Exception as error:  # noqa: BLE001  waiting callers must get an answer, whatever failed
            if len(questions) > 1:
                for question in questions:
                    self._decide_distinct([question])
                return
            questions[0].answer.set_exception(error)
            return
        for question, one in zip(questions, prepared, strict=True):
            if one.made is None:
                self._answer(question, one)
            else:
                self._commit(question, one, one.made)

    def _commit(self, question: _Question, prepared: PendingDecision, decision: DecisionWrite) -> None:
        write = AnswerWrite(
            decisions=(decision,), request=question.request, answer=prepared.answer, at=int(decision.row["as_of"])
        )
        try:
            committed = self._commits.submit(self._writer, write, until=question.until)
        except StateError as error:
            question.answer.set_exception(error)
            return
        committed.add_done_callback(partial(self._committed, question, prepared, time.perf_counter()))

    def _committed(
        self, question: _Question, prepared: PendingDecision, since: float, outcome: Future[WriteOutcome]
    ) -> None:
        self._instrumentation().took("keep", time.perf_counter() - since, question, outcome.exception())
        try:
            result = outcome.result()
            if result.outdated and question.tries < TRIES:
                question.tries += 1
                self._turns.put(question)
                return
        except StateError as error:
            question.answer.set_exception(error)
            return
        if result.done:
            self._answer(question, prepared)
        elif result.before is not None:
            question.answer.set_result(result.before)
        elif result.other:
            clash = IdempotencyClashError("the request's id was used for another request", remedy="use a new id")
            question.answer.set_exception(clash)
        else:
            question.answer.set_exception(contention())

    def _answer(self, question: _Question, prepared: PendingDecision) -> None:
        self._instrumentation().decided(prepared, question)
        question.answer.set_result(prepared.answer)


def contention() -> StateError:
    """Return the error for a decision that others outdated again and again."""
    return StateError(
        "too many concurrent decisions about the same customer or budget",
        got=f"{TRIES} tries",
        remedy="try again in a moment",
    )
