"""The client that waits for its answers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx

from nbo_client import calls
from nbo_client.calls import Call
from nbo_client.exchange import Send, exchange, headers_of
from nbo_client.messages import (
    Catalogue,
    ConsentChange,
    ConsentChanged,
    Customer,
    Decision,
    DecisionLook,
    Event,
    EventResult,
    Explanation,
    Question,
    Ready,
    Receipt,
    Replay,
    Scores,
    Told,
    Withdrawal,
    new_id,
)
from nbo_client.retrying import Retries

Answer = TypeVar("Answer")

TIMEOUT_SECONDS: Final = 5.0
"""Of one attempt; the service itself answers in milliseconds or says that it cannot."""


class NboClient:
    """Asks the service and waits for its answer. May be used by several threads.

    Args:
        url: Of the service, as `https://nbo.bank.example`.
        key: API key, or else
        token: Bearer token.
        timeout_seconds: Of one attempt.
        retries: After answers 429, 502, 503 and 504, and after connections that broke.
        transport: Of httpx, for proxies and tests.

    Raises:
        ProblemError: From every method: the service answered with a problem; its kinds are in `nbo_client.problems`.
        ServiceUnreachableError: From every method: it did not answer.
        UsageError: What was to be sent makes no sense.

    Example:
        >>> from nbo_client.messages import Question
        >>> with NboClient("https://nbo.bank.example", key="nbo_...") as client:  # doctest: +SKIP
        ...     client.decide(Question(customer_id="C002262", channel="app")).offers[0].offer
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        token: str | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = retries or Retries()
        self._http = httpx.Client(
            base_url=url, headers=headers_of(key, token), timeout=timeout_seconds, transport=transport
        )

    def decide(self, question: Question, *, request_id: str | None = None, dry_run: bool = False) -> Decision:
        """Ask for a decision.

        Args:
            question: Who, where and what for.
            request_id: By which the same answer is found again; made where none is given, so that attempts of this
                call find the same answer.
            dry_run: Nothing is kept, counted or spent.
        """
        return self._do(calls.decide(question, request_id, dry_run=dry_run))

    def decide_all(
        self, questions: Sequence[Question], *, request_id: str | None = None, dry_run: bool = False
    ) -> tuple[Decision, ...]:
        """Ask for up to 500 decisions; answers are in the order of the questions."""
        return self._do(calls.decide_all(questions, request_id, dry_run=dry_run)).decisions

    def withdraw(self, decision_id: str) -> Withdrawal:
        """Tell that a contact that was decided is not made: it counts no longer; told again it changes nothing.

        Raises:
            NotPendingError: It was presented, or the decision is no contact.
            UnknownError: There is no such decision.
        """
        return self._do(calls.withdraw(decision_id))

    def tell(self, event: Event) -> EventResult:
        """Tell one event; it is durable when this returns.

        Raises:
            RequestUnfitError: It is no event of the bank.
        """
        return self._do(calls.tell(event)).results[0]

    def tell_all(self, events: Sequence[Event]) -> Told:
        """Tell up to 500 events: those that fit are taken, and `refused` has the others."""
        return self._do(calls.tell_all(events))

    def customer(self, customer_id: str) -> Customer:
        """Ask what is known of a customer; the look is written down. Needs the scope `read`."""
        return self._do(calls.customer(customer_id))

    def change_consents(
        self, customer_id: str, consents: Mapping[str, bool], *, event_id: str | None = None
    ) -> ConsentChanged:
        """Tell what a customer agrees to from now on, or no longer; it counts from the next decision on."""
        change = ConsentChange(consents, event_id or new_id())
        return self._do(calls.change_consents(customer_id, change))

    def erase(self, customer_id: str) -> Receipt:
        """Have all erased that is a customer's. Needs the scope `admin`, and minutes on large states."""
        return self._do(calls.erase(customer_id))

    def decision(self, decision_id: str) -> DecisionLook:
        """Ask for a decision as it was kept, and what came of it."""
        return self._do(calls.decision(decision_id))

    def explanation(self, decision_id: str) -> Explanation:
        """Ask why, and why not the others."""
        return self._do(calls.explanation(decision_id))

    def replay(self, decision_id: str) -> Replay:
        """Have a decision made again from what was kept, and compared. Needs the scope `admin`."""
        return self._do(calls.replay(decision_id))

    def offers(self) -> Catalogue:
        """Ask for the catalogue that decides now."""
        return self._do(calls.offers())

    def scores(self, customer_id: str, *, channel: str | None = None) -> Scores:
        """Ask for the models' probabilities, without deciding anything."""
        return self._do(calls.scores(customer_id, channel))

    def ready(self) -> Ready:
        """Ask what stands behind the answers; needs no key."""
        return self._do(calls.ready())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _do(self, call: Call[Answer]) -> Answer:
        steps = exchange(call, self._retries)
        try:
            step = next(steps)
            while True:
                if isinstance(step, Send):
                    step = steps.send(self._sent(call))
                else:
                    time.sleep(step.seconds)
                    step = next(steps)
        except StopIteration as done:
            answer: Answer = done.value
            return answer

    def _sent(self, call: Call[Any]) -> httpx.Response | httpx.HTTPError:
        try:
            return self._http.request(call.method, call.path, json=call.content)
        except httpx.HTTPError as error:
            return error
