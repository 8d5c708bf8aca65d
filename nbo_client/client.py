"""The synchronous client of the service."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

from nbo_client import calls
from nbo_client.calls import Call
from nbo_client.exchange import TIMEOUT_SECONDS, Send, exchange, headers_of
from nbo_client.messages import (
    BackAsked,
    BackRequest,
    Catalogue,
    ConsentChange,
    ConsentChanged,
    Customer,
    Decision,
    Event,
    EventResult,
    EventResults,
    Explanation,
    Paused,
    PauseRequest,
    Pauses,
    Question,
    Ready,
    Receipt,
    Replay,
    ResumeRequest,
    Rollouts,
    Scores,
    StoredDecision,
    Withdrawal,
    new_id,
)
from nbo_client.retrying import Retries

Answer = TypeVar("Answer")


class NboClient:
    """Synchronous client of the service, safe to share between threads.

    Args:
        url: Address of the service, such as `https://nbo.bank.example`.
        key: API key; give either this or `token`.
        token: Bearer token.
        timeout_seconds: Timeout of one attempt.
        retries: Retries after answers 429, 502, 503 and 504, and after broken connections.
        transport: Transport of httpx, for proxies and tests.

    Raises:
        ProblemError: From every method: the service answered with a problem; its kinds are in `nbo_client.problems`.
        ServiceUnreachableError: From every method: the service did not answer.
        UsageError: The request makes no sense and was not sent.

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
            question: The customer, the channel and the request context.
            request_id: Idempotency key: the same key gets the same answer. By default a new one for this call, which
                its retries share.
            dry_run: Store, count and charge nothing.
        """
        return self._do(calls.decide(question, request_id, dry_run=dry_run))

    def decide_all(
        self, questions: Sequence[Question], *, request_id: str | None = None, dry_run: bool = False
    ) -> tuple[Decision, ...]:
        """Ask for up to 500 decisions, returned in the order of the questions."""
        return self._do(calls.decide_all(questions, request_id, dry_run=dry_run)).decisions

    def withdraw(self, decision_id: str) -> Withdrawal:
        """Report that a decided contact will not be made, so that it no longer counts; repeating this has no effect.

        Raises:
            NotPendingError: The contact was presented, or the decision is not a contact.
            UnknownError: There is no such decision.
        """
        return self._do(calls.withdraw(decision_id))

    def tell(self, event: Event) -> EventResult:
        """Submit one event; it is durable when this returns.

        Raises:
            RequestUnfitError: The event does not fit the bank's vocabulary.
        """
        return self._do(calls.tell(event)).results[0]

    def tell_all(self, events: Sequence[Event]) -> EventResults:
        """Submit up to 500 events: valid ones are accepted, the others are in `refused`."""
        return self._do(calls.tell_all(events))

    def customer(self, customer_id: str) -> Customer:
        """Read what is known of a customer; the query is audited. Needs the scope `read`."""
        return self._do(calls.customer(customer_id))

    def change_consents(
        self, customer_id: str, consents: Mapping[str, bool], *, event_id: str | None = None
    ) -> ConsentChanged:
        """Change a customer's consents; the change counts from the next decision on."""
        change = ConsentChange(consents, event_id or new_id())
        return self._do(calls.change_consents(customer_id, change))

    def erase(self, customer_id: str) -> Receipt:
        """Erase all data of a customer. Needs the scope `admin`, and takes minutes on large states."""
        return self._do(calls.erase(customer_id))

    def decision(self, decision_id: str) -> StoredDecision:
        """Read a decision as it was stored, and its outcome."""
        return self._do(calls.decision(decision_id))

    def explanation(self, decision_id: str) -> Explanation:
        """Read why an offer was chosen, and why the others were not."""
        return self._do(calls.explanation(decision_id))

    def replay(self, decision_id: str) -> Replay:
        """Replay a decision from its record and compare the result. Needs the scope `admin`."""
        return self._do(calls.replay(decision_id))

    def offers(self) -> Catalogue:
        """Read the current catalogue of offers."""
        return self._do(calls.offers())

    def scores(self, customer_id: str, *, channel: str | None = None) -> Scores:
        """Read the models' probabilities, without deciding anything."""
        return self._do(calls.scores(customer_id, channel))

    def pauses(self) -> Pauses:
        """Read what is paused. Needs the scope `read`."""
        return self._do(calls.pauses())

    def pause(self, request: PauseRequest) -> Paused:
        """Pause an offer, a channel or all outbound channels. Needs the scope `admin`."""
        return self._do(calls.pause(request))

    def resume(self, request: ResumeRequest) -> Pauses:
        """End a pause, and return those that stay in force. Needs the scope `admin`."""
        return self._do(calls.resume(request))

    def rollouts(self) -> Rollouts:
        """Read where rollouts of models stand and what their gates say. Needs the scope `read`."""
        return self._do(calls.rollouts())

    def take_back(self, request: BackRequest) -> BackAsked:
        """End the rollout of a model, or else put the former champion back in charge. Needs the scope `admin`."""
        return self._do(calls.take_back(request))

    def ready(self) -> Ready:
        """Read which bank and versions the service serves; needs no key."""
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
