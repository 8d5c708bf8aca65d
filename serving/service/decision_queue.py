"""Answering: what is asked at the same time is decided together, kept, and only then told; anew where it must be."""

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
"""As often is a question decided because somebody else was quicker; then it is told to come again."""

MOST_TOGETHER: Final = 32
"""Questions decided in one pass; more would make the first of them wait for the others' records."""


class RequestClashError(DataError):
    """A request's id that stands for another request."""


@dataclass(slots=True)
class _Question:
    asked: DecisionRequest
    request: IdempotencyKey | None
    mark: object
    until: float
    answer: Future[bytes] = field(default_factory=Future)
    tries: int = 1


class DecisionQueue:
    """Answers questions in the order in which they come, as many together as wait.

    One thread decides. What it decided goes to the group commit while it decides the next; who asked is told when the
    decision is durable. Where a customer was contacted or a budget spent since it was read, it is decided anew.

    Args:
        decisions: Decides.
        commits: Which keeps together what waits together.
        keeping: The kind of write.
        watcher: Gives the one that is told.
        patience: Seconds that whoever asks waits; what is not decided by then is not decided.
    """

    def __init__(
        self,
        decisions: DecisionService,
        commits: GroupCommit,
        keeping: DecisionWriter,
        watcher: Callable[[], Instrumentation],
        patience: float = math.inf,
    ) -> None:
        self._decisions = decisions
        self._commits = commits
        self._keeping = keeping
        self._watcher = watcher
        self._patience = patience
        self._turns: MicroBatcher[_Question] = MicroBatcher(self._turn, most=MOST_TOGETHER, name="decide")

    def ask(self, asked: DecisionRequest, request: IdempotencyKey | None = None) -> Future[bytes]:
        """Ask; the answer is there when the decision is kept.

        Args:
            asked: The question.
            request: By what the answer is found again; None where the caller gave no id.

        Raises:
            DataError: By the future: the bank does not know what is named.
            StateError: By the future: what cannot be kept is not answered. At once: this was closed.
            RequestClashError: By the future: the request's id stands for another request.
        """
        question = _Question(asked, request, self._watcher().asked(), time.monotonic() + self._patience)
        # from here on nobody can cancel it: who asked may go, the decision is made
        question.answer.set_running_or_notify_cancel()
        self._turns.put(question)
        return question.answer

    def close(self) -> None:
        """Decide what waits, and take no more."""
        self._turns.close()

    def _turn(self, questions: list[_Question]) -> None:
        """Decide, each customer once at a time: the second question about one has to see what came of the first."""
        while questions:
            first: dict[str, _Question] = {}
            for question in questions:
                first.setdefault(question.asked.customer_id, question)
            self._together(list(first.values()))
            questions = [question for question in questions if first[question.asked.customer_id] is not question]

    def _together(self, questions: list[_Question]) -> None:
        now = time.monotonic()
        for question in questions:
            if question.until <= now:
                question.answer.set_exception(late())
        questions = [question for question in questions if question.until > now]
        if not questions:
            return
        watcher = self._watcher()
        watcher.together(questions)
        try:
            prepared = self._decisions.prepare([question.asked for question in questions], watcher.step)
        except AwayError as error:
            for question in questions:
                question.answer.set_exception(error)
            return
        except Exception as error:  # noqa: BLE001  whoever waits has to be told, whatever it was
            if len(questions) > 1:
                for question in questions:
                    self._together([question])
                return
            questions[0].answer.set_exception(error)
            return
        for question, one in zip(questions, prepared, strict=True):
            if one.made is None:
                self._tell(question, one)
            else:
                self._keep(question, one, one.made)

    def _keep(self, question: _Question, prepared: PendingDecision, made: DecisionWrite) -> None:
        write = AnswerWrite(
            decisions=(made,), request=question.request, answer=prepared.answer, at=int(made.row["as_of"])
        )
        try:
            kept = self._commits.submit(self._keeping, write, until=question.until)
        except StateError as error:
            question.answer.set_exception(error)
            return
        kept.add_done_callback(partial(self._kept, question, prepared, time.perf_counter()))

    def _kept(
        self, question: _Question, prepared: PendingDecision, since: float, outcome: Future[WriteOutcome]
    ) -> None:
        self._watcher().took("keep", time.perf_counter() - since, question, outcome.exception())
        try:
            kept = outcome.result()
            if kept.outdated and question.tries < TRIES:
                question.tries += 1
                self._turns.put(question)
                return
        except StateError as error:
            question.answer.set_exception(error)
            return
        if kept.done:
            self._tell(question, prepared)
        elif kept.before is not None:
            question.answer.set_result(kept.before)
        elif kept.other:
            clash = RequestClashError("the request's id stands for another request", remedy="take a new id")
            question.answer.set_exception(clash)
        else:
            question.answer.set_exception(_crowded())

    def _tell(self, question: _Question, prepared: PendingDecision) -> None:
        self._watcher().decided(prepared, question)
        question.answer.set_result(prepared.answer)


def _crowded() -> StateError:
    return StateError(
        "too many decide at once about the same customer or budget",
        got=f"{TRIES} tries",
        remedy="ask again in a moment",
    )
