"""Delivering what is due: taken, asked about once more, noted, sent, and noted again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from serving.delivery.outbox import Contact, Outbox
from serving.delivery.permission import Permission, Ruled, Ruling
from serving.delivery.states import State
from serving.delivery.targets import Fate, Sent, Target

LOOK_AGAIN: Final = timedelta(minutes=15)
"""A contact that a limit or quiet hours hold back is looked at again so soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReport:
    """What came of delivering to one channel.

    Attributes:
        delivered: The channel has them.
        postponed: Held back by a limit or quiet hours, or the customer could not be looked up.
        withheld: The customer does not agree any more, or is not known any more.
        expired: Their time was too long ago.
        failed: Will be tried again.
        dead: Given up.
        reasons: Why contacts were not delivered, and how many.
    """

    channel: str
    delivered: int = 0
    postponed: int = 0
    withheld: int = 0
    expired: int = 0
    failed: int = 0
    dead: int = 0
    reasons: Mapping[str, int]


def deliver(
    outbox: Outbox,
    targets: Mapping[str, Target],
    permission: Permission,
    clock: Callable[[], datetime],
    late: timedelta,
) -> list[ChannelReport]:
    """Deliver the contacts of all channels whose time has come.

    A channel that fails is left alone for the rest of the call; the others go on. Whenever this is interrupted, what
    was taken is taken again when its lease ends; what was sent in between is sent again with the same `decision_id`.

    Args:
        outbox: Where they are.
        targets: By channel.
        permission: Asked about every contact.
        clock: Gives the moment, aware; asked for every batch, since a lease begins when it is taken.
        late: Contacts whose time was longer ago are given up.
    """
    return [_deliver(outbox, channel, target, permission, clock, late) for channel, target in targets.items()]


def _deliver(
    outbox: Outbox,
    channel: str,
    target: Target,
    permission: Permission,
    clock: Callable[[], datetime],
    late: timedelta,
) -> ChannelReport:
    now = clock()
    counts: Counter[str] = Counter(expired=outbox.expire(channel, now, now - late))
    reasons: Counter[str] = Counter()
    going = True
    while going and (taken := outbox.take(channel, now := clock(), target.batch, target.lease)):
        for contacts in rounds(taken):
            if not going:
                break  # they are taken again when their lease ends
            allowed = _allowed(outbox, contacts, permission, now, counts, reasons)
            seen = {contact.customer_id: ruled.version for contact, ruled in allowed}
            begun = outbox.begin([contact for contact, _ in allowed], now, seen)
            for sent in target.send(begun, now) if begun else ():
                _note(outbox, target, sent, now, counts)
                if sent.fate is not Fate.HAS_IT:
                    reasons[str(sent.reason)] += len(sent.contacts)
                going = going and sent.fate is not Fate.FAILED
    return ChannelReport(channel=channel, reasons=dict(reasons), **counts)


def rounds(contacts: Sequence[Contact]) -> list[list[Contact]]:
    """Split contacts so that each customer is once in a round: the second one is asked about when the first counts.

    Example:
        >>> from types import SimpleNamespace as Contact
        >>> some = [Contact(customer_id=name) for name in ("a", "b", "a")]
        >>> [[contact.customer_id for contact in one] for one in rounds(some)]
        [['a', 'b'], ['a']]
    """
    found: list[dict[str, Contact]] = []
    for contact in contacts:
        free = next((one for one in found if contact.customer_id not in one), None)
        if free is None:
            found.append(free := {})
        free[contact.customer_id] = contact
    return [list(one.values()) for one in found]


def _allowed(
    outbox: Outbox,
    taken: Sequence[Contact],
    permission: Permission,
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
            held[ruled.ruling].setdefault(ruled.reason, []).append(contact)
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
