"""Writes decisions to the database, together with the contacts, budget charges and answers that belong to them."""

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
from records.erasures import Erasure, erasures_of
from records.event_rows import microseconds
from records.schema import ANSWERS, CHARGES, DECISIONS, PENDING, RULE_BOOKS, SPENDING, VERSIONS
from records.statements import Statement, insert_new

# SQLite locks the whole database, so FOR UPDATE is left out for it
_SPENDING: Final = Statement(
    select(SPENDING)
    .where(SPENDING.c.budget.in_(bindparam("budgets", expanding=True)))
    .order_by(SPENDING.c.budget, SPENDING.c.period)
    .with_for_update()
)
_ANSWERED: Final = Statement(
    select(ANSWERS.c.request_id, ANSWERS.c.content, ANSWERS.c.answer).where(
        ANSWERS.c.request_id.in_(bindparam("ids", expanding=True))
    )
)
_ANSWER: Final = Statement(ANSWERS.insert())
_SET_SPENT: Final = Statement(
    update(SPENDING)
    .where(SPENDING.c.budget == bindparam("name"), SPENDING.c.period == bindparam("since"))
    .values(spent=bindparam("now"))
)

UNIT: Final = 10_000
"""Budgets are counted in 1/10,000 of their unit, so that sums are exact."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a decision charges to a budget, provided that much is left.

    Attributes:
        budget: Name of the budget.
        period: First day of the budget's period.
        amount: Charged amount, in 1/`UNIT`.
        at_most: Most that may be spent in the period, in 1/`UNIT`.
    """

    budget: str
    period: str
    amount: int
    at_most: int


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Identifies a request, so that a repetition gets the same answer.

    Attributes:
        request_id: Caller and the caller's own id.
        content: Digest of the request.
    """

    request_id: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionWrite:
    """A pending decision: computed, and not yet written.

    Attributes:
        row: Row of the table of decisions (`decision_row`).
        versions: Name and version of everything that took part.
        book: Rule book of the policy.
        seen_version: Customer version that the decision was based on; if it has changed, the decision is outdated.
        seen_erasure: Number of the latest erasure when the customer was read.
        is_contact: Whether the decision counts as a contact from now on.
        offer: Offer put to the customer, if any.
        product: Product family of the offer.
        claims: Charges to budgets.
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
    """Decisions that are answered together: either all are written or none.

    Attributes:
        decisions: Pending decisions.
        request: Idempotency key; None where the caller gave no id.
        answer: Body of the response.
        at: Time of the answer, UTC microseconds.
    """

    decisions: tuple[DecisionWrite, ...]
    request: IdempotencyKey | None
    answer: bytes
    at: int


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """Outcome of writing an answer.

    Attributes:
        before: Earlier answer to the same request; the decisions were not written again.
        other: The request's id already belongs to another request.
        outdated: Customers with a new event, decision or erasure, and budgets that no longer suffice, since they were
            read. Nothing was written; the decision has to be computed again.
    """

    before: bytes | None = None
    other: bool = False
    outdated: tuple[str, ...] = ()

    @property
    def done(self) -> bool:
        """Whether the decisions were written."""
        return self.before is None and not self.other and not self.outdated


def decision_row(decision: Decision | Trace, features_from: str, record: str) -> dict[str, Any]:
    """Return a decision as a row of the decision log.

    Args:
        decision: Decision for one customer.
        features_from: Where its features came from.
        record: The whole decision, as text.
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
    """Writes answers (`AnswerWrite`) in a group commit."""

    database: Database
    order: int = 1
    _known: set[str] = field(default_factory=set)
    _new: set[str] = field(default_factory=set)

    def together(self, connection: Connection, writes: Sequence[AnswerWrite]) -> list[WriteOutcome]:
        """Write the answers whose customers and budgets have not changed since they were read, in order of arrival."""
        versions = self._versions_of(connection, writes)
        erased = erasures_of(
            connection, self.database, {decision.row["customer_id"] for write in writes for decision in write.decisions}
        )
        spent = self._locked_budgets(connection, writes)
        contacted: list[str] = []
        charged: set[tuple[str, str]] = set()
        answered = self._answered(connection, writes)
        outcomes: list[WriteOutcome] = []
        accepted: list[AnswerWrite] = []
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
            for decision in write.decisions:
                if decision.is_contact:
                    versions[decision.row["customer_id"]] += 1
                    contacted.append(decision.row["customer_id"])
                for claim in decision.claims:
                    spent[claim.budget, claim.period] += claim.amount
                    charged.add((claim.budget, claim.period))
            if write.request is not None:
                answered[write.request.request_id] = (write.request.content, write.answer)
            accepted.append(write)
            outcomes.append(WriteOutcome())
        self._write(connection, accepted)
        raise_versions(connection, contacted)
        _update_spending(connection, {place: spent[place] for place in charged})
        return outcomes

    def committed(self) -> None:
        """Remember which versions and rule books the database has, so that they are not inserted again."""
        self._known |= self._new
        self._new.clear()

    def customers(self, writes: Sequence[AnswerWrite]) -> set[str]:
        """Return the customers who are contacted: their versions change."""
        return {decision.row["customer_id"] for write in writes for decision in write.decisions if decision.is_contact}

    def _versions_of(self, connection: Connection, writes: Sequence[AnswerWrite]) -> dict[str, int]:
        """Read the versions of all customers, and lock those of customers who are contacted."""
        contacted = self.customers(writes)
        locked = lock_customers(connection, self.database, contacted)
        everybody = {decision.row["customer_id"] for write in writes for decision in write.decisions}
        return dict.fromkeys(everybody, 0) | versions_of(connection, everybody - contacted) | locked

    def _locked_budgets(self, connection: Connection, writes: Sequence[AnswerWrite]) -> dict[tuple[str, str], int]:
        claims = [claim for write in writes for decision in write.decisions for claim in decision.claims]
        places = sorted({(claim.budget, claim.period) for claim in claims})
        if not places:
            return {}
        rows = [{"budget": budget, "period": period, "spent": 0} for budget, period in places]
        insert_new(SPENDING).run_each(connection, rows)
        found = _SPENDING.rows(connection, budgets=sorted({budget for budget, _ in places}))
        return {(budget, period): spent for budget, period, spent in found}

    def _answered(self, connection: Connection, writes: Sequence[AnswerWrite]) -> dict[str, tuple[str, bytes]]:
        """Read the stored answers of requests that were answered before."""
        ids = sorted({write.request.request_id for write in writes if write.request is not None})
        if not ids:
            return {}
        found = _ANSWERED.rows(connection, ids=ids)
        return {request: (content, answer) for request, content, answer in found}

    def _write(self, connection: Connection, writes: Sequence[AnswerWrite]) -> None:
        decisions = [(decision, write.at) for write in writes for decision in write.decisions]
        if not decisions:
            return
        rows = [{**decision.row, "versions": self._versions(connection, decision)} for decision, _ in decisions]
        insert_new(DECISIONS).run_each(connection, rows)
        contacts = [_contact(decision, at) for decision, at in decisions if decision.is_contact]
        if contacts:
            insert_new(PENDING).run_each(connection, contacts)
        charges = [
            {
                "decision_id": decision.row["decision_id"],
                "budget": claim.budget,
                "period": claim.period,
                "amount": claim.amount,
            }
            for decision, _ in decisions
            for claim in decision.claims
        ]
        if charges:
            insert_new(CHARGES).run_each(connection, charges)
        answers = [_answer(write) for write in writes if write.request is not None]
        if answers:
            # a conflict must not be skipped here: a concurrent request with the same id has been answered
            _ANSWER.run_each(connection, sorted(answers, key=lambda row: str(row["request_id"])))

    def _versions(self, connection: Connection, decision: DecisionWrite) -> str:
        content = json.dumps(dict(decision.versions), sort_keys=True)
        digest = blake2b(content.encode(), digest_size=16).hexdigest()
        for table, name, text in ((VERSIONS, digest, content), (RULE_BOOKS, decision.book.digest, decision.book.text)):
            if name not in self._known and name not in self._new:
                insert_new(table).run_each(connection, [{"digest": name, "content": text}])
                self._new.add(name)
        return digest


def _outdated(
    write: AnswerWrite,
    versions: Mapping[str, int],
    erased: Mapping[str, Erasure],
    spent: Mapping[tuple[str, str], int],
) -> tuple[str, ...]:
    outdated = []
    claimed: dict[tuple[str, str], int] = {}
    contacts: dict[str, int] = {}
    for decision in write.decisions:
        customer = decision.row["customer_id"]
        if versions[customer] + contacts.get(customer, 0) != decision.seen_version:
            outdated.append(customer)
        if customer in erased and erased[customer].number > decision.seen_erasure:
            outdated.append(customer)
        contacts[customer] = contacts.get(customer, 0) + decision.is_contact
        for claim in decision.claims:
            place = (claim.budget, claim.period)
            claimed[place] = claimed.get(place, 0) + claim.amount
            if spent[place] + claimed[place] > claim.at_most:
                outdated.append(claim.budget)
    return tuple(dict.fromkeys(outdated))


def _contact(decision: DecisionWrite, at: int) -> dict[str, Any]:
    common = {name: decision.row[name] for name in ("decision_id", "customer_id", "channel")}
    return {**common, "offer": decision.offer, "product": decision.product, "decided_at": at}


def _answer(write: AnswerWrite) -> dict[str, Any]:
    assert write.request is not None
    customers = {decision.row["customer_id"] for decision in write.decisions}
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
        _SET_SPENT.run_each(connection, rows)
