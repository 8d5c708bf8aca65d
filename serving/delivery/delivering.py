"""Delivers due contacts: take, check again, record, send, record the result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from serving.delivery.outbox import Contact, Outbox
from serving.delivery.permission import DeliveryPermission, Ruled, Ruling
from serving.delivery.states import State
from serving.delivery.targets import Fate, Sent, Target, rounds

LOOK_AGAIN: Final = timedelta(minutes=15)
"""Delay until a contact held back by a pause, a limit or quiet hours is checked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReport:
    """Result of delivering to one channel.

    Attributes:
        delivered: The channel has them.
        postponed: Held back by a pause, a limit or quiet hours, or the customer could not be read.
        withheld: The customer no longer agrees, or is no longer known.
        expired: Their contact time is too long ago.
        failed: Will be tried again.
        dead: Given up.
        withdrawn: Already in a file, but refused or paused since: listed in the file's withdrawn list.
        reasons: Number of contacts not delivered, by reason.
    """

    channel: str
    delivered: int = 0
    postponed: int = 0
    withheld: int = 0
    expired: int = 0
    failed: int = 0
    dead: int = 0
    withdrawn: int = 0
    reasons: Mapping[str, int]


def deliver(
    outbox: Outbox,
    targets: Mapping[str, Target],
    permission: DeliveryPermission,
    clock: Callable[[], datetime],
    late: timedelta,
) -> list[ChannelReport]:
    """Deliver the due contacts of all channels; no channel waits for another.

    A channel that fails is skipped for the rest of the call. After an interruption, contacts that were taken are taken
    again when their lease ends; contacts sent in between are sent again with the same `decision_id`.

    Args:
        outbox: The outbox.
        targets: Target by channel.
        permission: Checks every contact.
        clock: Gives the aware moment; called for every batch, since a lease begins when the batch is taken.
        late: Contacts older than this are given up.
    """
    channels = [_Channel(outbox, channel, target, permission, clock) for channel, target in targets.items()]
    for one in channels:
        one.tidy(late)
    # only sending is concurrent: one thread checks all contacts, and so sees all that were begun before
    with ThreadPoolExecutor(max(1, sum(target.at_once for target in targets.values()))) as senders:
        try:
            while True:
                for one in channels:
                    one.begin_more(senders)
                waiting = [sending for one in channels for sending in one.sending]
                if not waiting:
                    break
                wait(waiting, return_when=FIRST_COMPLETED)
                for one in channels:
                    one.note_what_came()
        finally:
            # also after an interruption: results that have arrived are recorded
            senders.shutdown(cancel_futures=True)
            for one in channels:
                one.note_what_came()
    return [one.report() for one in channels]


class _Channel:
    """Delivery to one channel, batch by batch.

    Attributes:
        sending: Batches in progress, with the moments at which they began.
    """

    def __init__(
        self,
        outbox: Outbox,
        channel: str,
        target: Target,
        permission: DeliveryPermission,
        clock: Callable[[], datetime],
    ) -> None:
        self._outbox, self._channel, self._target = outbox, channel, target
        self._permission, self._clock = permission, clock
        self._counts: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._going = True
        self.sending: dict[Future[Sequence[Sent]], datetime] = {}

    def tidy(self, late: timedelta) -> None:
        """Expire contacts that are too late, and withdraw delivered ones that are no longer allowed."""
        now = self._clock()
        self._counts["expired"] += self._outbox.expire(self._channel, now, now - late)
        self._counts["withdrawn"] += self._target.recall(self._channel, now - late, self._permission, now)

    def begin_more(self, senders: ThreadPoolExecutor) -> None:
        """Start as many batches as allowed concurrently; only one until the channel has accepted one."""
        while self._going and len(self.sending) < (self._target.at_once if self._counts["delivered"] else 1):
            now = self._clock()
            taken = self._outbox.take(self._channel, now, self._target.batch, self._target.lease)
            for contacts in rounds(taken):
                allowed = _allowed(self._outbox, contacts, self._permission, now, self._counts, self._reasons)
                seen = {contact.customer_id: ruled.version for contact, ruled in allowed}
                begun = self._outbox.begin([contact for contact, _ in allowed], now, seen)
                if begun:
                    self.sending[senders.submit(self._target.send, begun, now)] = now
            if not taken:
                return

    def note_what_came(self) -> None:
        """Record the results of finished batches."""
        for future in [one for one in self.sending if one.done()]:
            began = self.sending.pop(future)
            if future.cancelled():
                continue  # taken again when the lease ends
            for sent in future.result():
                _note(self._outbox, self._target, sent, began, self._counts)
                if sent.fate is not Fate.HAS_IT:
                    self._reasons[str(sent.reason)] += len(sent.contacts)
                self._going = self._going and sent.fate is not Fate.FAILED

    def report(self) -> ChannelReport:
        """Return the result."""
        return ChannelReport(channel=self._channel, reasons=dict(self._reasons), **self._counts)


def _allowed(
    outbox: Outbox,
    taken: Sequence[Contact],
    permission: DeliveryPermission,
    now: datetime,
    counts: Counter[str],
    reasons: Counter[str],
) -> list[tuple[Contact, Ruled]]:
    allowed: list[tuple[Contact, Ruled]] = []
    held: dict[Ruling, dict[str, list[Contact]]] = {Ruling.NEVER: {}, Ruling.LATER: {}}
    for contact, ruled in zip(taken, permission.of(taken, now), strict=True):
        if ruled.ruling is Ruling.ALLOWED:
            allowed.append((contact, ruled))
        else:
            never = ruled.ruling is Ruling.NEVER
            held[Ruling.NEVER if never else Ruling.LATER].setdefault(ruled.reason, []).append(contact)
    outbox.withhold(held[Ruling.NEVER], now)
    outbox.postpone(held[Ruling.LATER], now + LOOK_AGAIN)
    for ruling, what in ((Ruling.NEVER, "withheld"), (Ruling.LATER, "postponed")):
        for reason, contacts in held[ruling].items():
            reasons[reason] += len(contacts)
            counts[what] += len(contacts)
    return allowed


def _note(outbox: Outbox, target: Target, sent: Sent, now: datetime, counts: Counter[str]) -> None:
    if sent.fate is Fate.HAS_IT:
        outbox.settle(sent.contacts, State.DELIVERED, now)
        counts["delivered"] += len(sent.contacts)
        return
    by_attempts: dict[int, list[Contact]] = {}
    for contact in sent.contacts:
        by_attempts.setdefault(contact.attempts + 1, []).append(contact)
    for attempts, contacts in by_attempts.items():
        if sent.fate is Fate.REFUSED or attempts >= target.attempts:
            outbox.settle(contacts, State.DEAD, now, sent.reason, made=sent.fate is not Fate.REFUSED)
            counts["dead"] += len(contacts)
        else:
            wait = max(target.wait(attempts), sent.after or timedelta(0))
            outbox.postpone({str(sent.reason): contacts}, now + wait)
            counts["failed"] += len(contacts)
