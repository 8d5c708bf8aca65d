"""Keeping decisions for good, and with them what must not be given out twice: contacts, budgets, answers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from decisioning.explaining.rule_book import RuleBook
from decisioning.explaining.trace import Trace
from domain.decision import Decision
from records.customer_versions import lock_customers, raise_versions, versions_of
from records.database import Database
from records.decision_tables import DECISIONS, RULE_BOOKS, VERSIONS
from records.erasures import Erasure, erasures_of
from records.event_rows import microseconds
from records.journal_tables import ANSWERS, CHARGES, PENDING, SPENDING

# made once, for making a statement takes longer than the database does; SQLite locks as a whole, and FOR UPDATE is
# left out for it
_SPENDING: Final = (
    select(SPENDING)
    .where(SPENDING.c.budget.in_(bindparam("budgets", expanding=True)))
    .order_by(SPENDING.c.budget, SPENDING.c.period)
    .with_for_update()
)
_ANSWERED: Final = select(ANSWERS.c.request_id, ANSWERS.c.content, ANSWERS.c.answer).where(
    ANSWERS.c.request_id.in_(bindparam("ids", expanding=True))
)
_SET_SPENT: Final = (
    update(SPENDING)
    .where(SPENDING.c.budget == bindparam("name"), SPENDING.c.period == bindparam("since"))
    .values(spent=bindparam("now"))
)

UNIT: Final = 10_000
"""Budgets are counted in 1/10,000 of their unit, so that sums are exact."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a decision uses of a budget, if that much is left.

    Attributes:
        period: First day of the budget's period.
        amount: In 1/`UNIT`.
        at_most: What may be spent in the period, likewise.
    """

    budget: str
    period: str
    amount: int
    at_most: int


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """By what an answer is found again.

    Attributes:
        request_id: Caller and the caller's own id.
        content: Digest of what was asked.
    """

    request_id: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionWrite:
    """A decision that was made, on the way into the log.

    Attributes:
        row: Of the table of decisions (`decision_row`).
        book: Of the policy.
        seen_version: Of the customer, as it was decided by: if it changed since, this was decided without what changed.
        seen_erasure: Number of the latest erasure before that.
        is_contact: It counts as one from now on.
        offer: That is put to the customer, where there is one.
        product: Its family.
        claims: On budgets.
    """

    row: Mapping[str, Any]
    versions: Mapping[str, str]
    book: RuleBook
    seen_version: int
    seen_erasure: int
    is_contact: bool = False
    offer: str | None = None
    product: str | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerWrite:
    """Decisions that are answered together: all are kept, or none.

    Attributes:
        request: None where the caller gave no id.
        answer: What the caller is told.
        at: When, microseconds UTC.
    """

    decisions: tuple[DecisionWrite, ...]
    request: IdempotencyKey | None
    answer: bytes
    at: int


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """What came of keeping an answer.

    Attributes:
        before: What the same request was answered before; the decisions were not kept again.
        other: The request's id stands for another request.
        outdated: Customers of whom something was told, decided or erased, or budgets whose rest changed, since they
            were read: nothing was kept, and it has to be decided anew.
    """

    before: bytes | None = None
    other: bool = False
    outdated: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the decisions were kept."""
        return self.before is None and not self.other and not self.outdated


def decision_row(decision: Decision | Trace, features_from: str, record: str) -> dict[str, Any]:
    """Write a decision as a row of the log.

    Args:
        decision: Made for one customer.
        features_from: Where its features came from.
        record: All of it, as text.
    """
    first = next(iter(decision.offers), None)
    return {
        "decision_id": decision.decision_id,
        "customer_id": decision.customer_id,
        "channel": decision.channel,
        "as_of": microseconds(decision.as_of),
        "features_from": features_from,
        "stage": decision.stage,
        "offer": first and first.offer,
        "propensity": first and first.propensity,
        "value": first and first.value,
        "priority": first and first.priority,
        "selection_probability": first and first.selection_probability,
        "seed": decision.seed,
        "record": record,
        "part": None,
    }


@dataclass
class DecisionWriter:
    """The kind of write that keeps answers; a write is an `AnswerWrite`."""

    database: Database
    order: int = 1
    _known: set[str] = field(default_factory=set)
    _new: set[str] = field(default_factory=set)

    def together(self, connection: Connection, writes: Sequence[AnswerWrite]) -> list[WriteOutcome]:
        """Keep the answers whose customers and budgets are as they were seen, in the order in which they came."""
        versions = self._versions_of(connection, writes)
        erased = erasures_of(
            connection, self.database, {made.row["customer_id"] for write in writes for made in write.decisions}
        )
        spent = self._locked_budgets(connection, writes)
        contacted: list[str] = []
        charged: set[tuple[str, str]] = set()
        answered = self._answered(connection, writes)
        outcomes: list[WriteOutcome] = []
        kept: list[AnswerWrite] = []
        for write in writes:
            before = None if write.request is None else answered.get(write.request.request_id)
            if before is not None:
                assert write.request is not None
                same = before[0] == write.request.content
                outcomes.append(WriteOutcome(before=before[1]) if same else WriteOutcome(other=True))
                continue
            outdated = _outdated(write, versions, erased, spent)
            if outdated:
                outcomes.append(WriteOutcome(outdated=outdated))
                continue
            for made in write.decisions:
                if made.is_contact:
                    versions[made.row["customer_id"]] += 1
                    contacted.append(made.row["customer_id"])
                for claim in made.claims:
                    spent[claim.budget, claim.period] += claim.amount
                    charged.add((claim.budget, claim.period))
            if write.request is not None:
                answered[write.request.request_id] = (write.request.content, write.answer)
            kept.append(write)
            outcomes.append(WriteOutcome())
        self._write(connection, kept)
        raise_versions(connection, contacted)
        _update_spending(connection, {place: spent[place] for place in charged})
        return outcomes

    def committed(self) -> None:
        """Remember which versions and rule books the database has, so that they are not offered again."""
        self._known |= self._new
        self._new.clear()

    def customers(self, writes: Sequence[AnswerWrite]) -> set[str]:
        """Whoever is contacted changes."""
        return {made.row["customer_id"] for write in writes for made in write.decisions if made.is_contact}

    def _versions_of(self, connection: Connection, writes: Sequence[AnswerWrite]) -> dict[str, int]:
        """Read versions; those of customers who are contacted cannot change any more."""
        contacted = self.customers(writes)
        locked = lock_customers(connection, self.database, contacted)
        everybody = {made.row["customer_id"] for write in writes for made in write.decisions}
        return dict.fromkeys(everybody, 0) | versions_of(connection, everybody - contacted) | locked

    def _locked_budgets(self, connection: Connection, writes: Sequence[AnswerWrite]) -> dict[tuple[str, str], int]:
        claims = [claim for write in writes for made in write.decisions for claim in made.claims]
        places = sorted({(claim.budget, claim.period) for claim in claims})
        if not places:
            return {}
        rows = [{"budget": budget, "period": period, "spent": 0} for budget, period in places]
        connection.execute(self.database.add(SPENDING), rows)
        found = connection.execute(_SPENDING, {"budgets": sorted({budget for budget, _ in places})}).tuples().all()
        return {(budget, period): spent for budget, period, spent in found}

    def _answered(self, connection: Connection, writes: Sequence[AnswerWrite]) -> dict[str, tuple[str, bytes]]:
        """Take the ids of the requests, and read what was answered where they are taken already."""
        mine: dict[str, AnswerWrite] = {}
        for write in writes:
            if write.request is not None:
                mine.setdefault(write.request.request_id, write)
        ids = sorted(mine)
        if not ids:
            return {}
        found = connection.execute(_ANSWERED, {"ids": ids})
        return {request: (content, answer) for request, content, answer in found}

    def _write(self, connection: Connection, kept: Sequence[AnswerWrite]) -> None:
        decisions = [(made, write.at) for write in kept for made in write.decisions]
        if not decisions:
            return
        rows = [{**made.row, "versions": self._versions(connection, made)} for made, _ in decisions]
        connection.execute(self.database.add(DECISIONS), rows)
        contacts = [_contact(made, at) for made, at in decisions if made.is_contact]
        if contacts:
            connection.execute(self.database.add(PENDING), contacts)
        charges = [
            {
                "decision_id": made.row["decision_id"],
                "budget": claim.budget,
                "period": claim.period,
                "amount": claim.amount,
            }
            for made, _ in decisions
            for claim in made.claims
        ]
        if charges:
            connection.execute(self.database.add(CHARGES), charges)
        answers = [_answer(write) for write in kept if write.request is not None]
        if answers:
            # no conflict may be passed over here: whoever took the id in the meantime has answered
            connection.execute(ANSWERS.insert(), sorted(answers, key=lambda row: str(row["request_id"])))

    def _versions(self, connection: Connection, made: DecisionWrite) -> str:
        content = json.dumps(dict(made.versions), sort_keys=True)
        digest = blake2b(content.encode(), digest_size=16).hexdigest()
        for table, name, text in ((VERSIONS, digest, content), (RULE_BOOKS, made.book.digest, made.book.text)):
            if name not in self._known and name not in self._new:
                row = {"digest": name, "content": text}
                connection.execute(self.database.add(table), row)
                self._new.add(name)
        return digest


def _outdated(
    write: AnswerWrite,
    versions: Mapping[str, int],
    erased: Mapping[str, Erasure],
    spent: Mapping[tuple[str, str], int],
) -> tuple[str, ...]:
    outdated = []
    mine: dict[tuple[str, str], int] = {}
    contacts: dict[str, int] = {}
    for made in write.decisions:
        customer = made.row["customer_id"]
        if versions[customer] + contacts.get(customer, 0) != made.seen_version:
            outdated.append(customer)
        if customer in erased and erased[customer].number > made.seen_erasure:
            outdated.append(customer)
        contacts[customer] = contacts.get(customer, 0) + made.is_contact
        for claim in made.claims:
            place = (claim.budget, claim.period)
            mine[place] = mine.get(place, 0) + claim.amount
            if spent[place] + mine[place] > claim.at_most:
                outdated.append(claim.budget)
    return tuple(dict.fromkeys(outdated))


def _contact(made: DecisionWrite, at: int) -> dict[str, Any]:
    said = {name: made.row[name] for name in ("decision_id", "customer_id", "channel")}
    return {**said, "offer": made.offer, "product": made.product, "decided_at": at}


def _answer(write: AnswerWrite) -> dict[str, Any]:
    assert write.request is not None
    customers = {made.row["customer_id"] for made in write.decisions}
    return {
        "request_id": write.request.request_id,
        "customer_id": next(iter(customers)) if len(customers) == 1 else None,
        "content": write.request.content,
        "answer": write.answer,
        "answered_at": write.at,
    }


def _update_spending(connection: Connection, spent: Mapping[tuple[str, str], int]) -> None:
    if spent:
        rows = [{"name": budget, "since": period, "now": now} for (budget, period), now in sorted(spent.items())]
        connection.execute(_SET_SPENT, rows)
