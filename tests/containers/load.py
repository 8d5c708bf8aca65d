"""Callers that ask for decisions and tell events all the time, and remember what was acknowledged."""

from __future__ import annotations

import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from nbo_client.client import NboClient
from nbo_client.messages import Event, Question
from nbo_client.problems import ServiceError
from nbo_client.retrying import Retries

CALLERS = 4
SECONDS_BETWEEN = 0.02
CUSTOMERS = 200
SECONDS_TO_BE_ANSWERED = 120


class Counting(httpx.HTTPTransport):
    """Counts what is sent and what comes back."""

    def __init__(self, load: Load) -> None:
        super().__init__()
        self._load = load

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._load.count("sent")
        try:
            response = super().handle_request(request)
        except httpx.HTTPError as error:
            self._load.count(type(error).__name__)
            raise
        self._load.count(str(response.status_code))
        return response


@dataclass
class Load:
    """What some callers asked and told, and what they were answered.

    Attributes:
        decided: Request ids and the decisions that they were answered with.
        told: Ids of events that were acknowledged.
        counts: HTTP requests by what became of them; `asked` and `answered` are those of the callers.
        longest_seconds: From a caller's question to its answer, tries included.
        unanswered: Ids that had no answer in time, with the last error.
    """

    url: str
    key: str
    decided: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    longest_seconds: float = 0.0
    unanswered: dict[str, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _end: threading.Event = field(default_factory=threading.Event)

    def count(self, what: str) -> None:
        """Add one."""
        with self._lock:
            self.counts[what] += 1

    @property
    def answered(self) -> int:
        """Questions and events so far."""
        return self.counts["answered"]

    def lines(self) -> list[str]:
        """What was sent, and what became of it."""
        counts = dict(self.counts)
        asked, sent = counts.pop("asked", 0), counts.pop("sent", 0)
        again = counts.pop("given up by the client and asked again", 0)
        rest = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if name != "answered")
        return [
            f"{asked} asked or told: {len(self.decided)} decisions and {len(self.told)} events acknowledged, "
            f"{len(self.unanswered)} never",
            f"{sent} requests sent, {sent - asked} of them again by the client, {again} times given up by it at first",
            f"of the requests: {rest}",
            f"longest wait of a caller, with all tries: {self.longest_seconds:.1f} s",
        ]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Ask and tell for the length of the block, and until all that was asked is answered."""
        callers = [threading.Thread(target=self._call, args=(number,)) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        try:
            yield
        finally:
            self._end.set()
            for caller in callers:
                caller.join()

    def client(self) -> NboClient:
        """A client like those of a bank's channels."""
        return NboClient(self.url, key=self.key, retries=Retries(), transport=Counting(self))

    def _call(self, caller: int) -> None:
        with self.client() as client:
            number = 0
            while not self._end.wait(SECONDS_BETWEEN):
                number += 1
                decide = number % 2 == 0
                self._until_answered(client, f"{'request' if decide else 'event'}-{caller}-{number}", decide=decide)

    def _until_answered(self, client: NboClient, name: str, *, decide: bool) -> None:
        """As a channel does that must know: with the same id again, where the client has given up."""
        self.count("asked")
        begun = time.monotonic()
        while True:
            try:
                self._once(client, name, decide=decide)
            except ServiceError as error:
                self.count("given up by the client and asked again")
                if time.monotonic() - begun > SECONDS_TO_BE_ANSWERED:
                    self.unanswered[name] = str(error)
                    return
            else:
                break
        self.count("answered")
        with self._lock:
            self.longest_seconds = max(self.longest_seconds, time.monotonic() - begun)

    @staticmethod
    def question(name: str) -> Question:
        """The question that a request id stands for."""
        return Question(customer_id=customer_of(name), channel="app")

    def _once(self, client: NboClient, name: str, *, decide: bool) -> None:
        if decide:
            self.decided[name] = client.decide(self.question(name), request_id=name).decision_id
            return
        told = Event(customer_id=customer_of(name), type="app_login", channel="app", event_id=name)
        fate = client.tell(told).fate
        if fate not in {"accepted", "duplicate"}:  # told twice, because the first answer was lost on its way
            raise ServiceError(f"{name} became {fate}")
        self.count(fate)
        self.told.add(name)


def customer_of(name: str) -> str:
    """A customer of the simulated bank, the same for a name every time."""
    return f"C{zlib.crc32(name.encode()) % CUSTOMERS + 1:06d}"
