"""Withdrawing a contact that its channel will not make: it no longer counts, and its budget claims are refunded."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, delete, select, update

from domain.errors import DataError
from nbo_client.messages import Withdrawal
from records.audit import AuditEntry, AuditWriter
from records.customer_versions import lock_customers, raise_versions
from records.database import Database
from records.decision_log import DecisionLog
from records.erasures import hold_erasures
from records.event_rows import microseconds, moment_of
from records.refund import refund
from records.schema import EVENTS, OUTBOX, PENDING, WITHDRAWALS
from serving.delivery.states import State
from serving.service.clock import Clock


class ContactNotPendingError(DataError):
    """The decision has no contact that could be withdrawn."""


class WithdrawalService:
    """Withdraws contacts.

    Args:
        decision_log: Log of decisions.
        clock: Gives the moment of the withdrawal.
        presented: Returns the type of the event that presents an offer; None for a bank without contacts.
    """

    def __init__(self, decision_log: DecisionLog, clock: Clock, presented: Callable[[], str | None]) -> None:
        self._database: Database = decision_log.database
        self._decision_log = decision_log
        self._clock = clock
        self._presented = presented

    def withdraw(self, decision_id: str, caller: str) -> Withdrawal:
        """Withdraw the contact of a decision; a repeated call changes nothing and returns the first answer.

        One transaction ends the contact, raises the customer's version so that concurrent decisions are decided again,
        refunds budgets, and records it all. A planned contact that waits in the outbox is not sent any more.

        Args:
            decision_id: Decision whose contact is withdrawn.
            caller: Who will not make the contact.

        Raises:
            NotFoundError: There is no such decision.
            NotPendingError: The contact was presented, or the decision is no contact.
            StateError: The database does not answer; nothing changed.
        """
        now = microseconds(self._clock.now())
        with self._database.transaction() as connection:
            hold_erasures(connection, self._database)
            customer_id = self._end_contact(connection, decision_id, now)
            if customer_id is not None:
                raise_versions(connection, [customer_id])
                refund(connection, [decision_id])
                row = {"decision_id": decision_id, "customer_id": customer_id, "withdrawn_at": now}
                connection.execute(self._database.add(WITHDRAWALS), row)
                line = AuditEntry(
                    at=now, caller=caller, act="withdraw a contact", subject=customer_id, detail=decision_id
                )
                AuditWriter(self._database).together(connection, [line])
            before = select(WITHDRAWALS.c.withdrawn_at).where(WITHDRAWALS.c.decision_id == decision_id)
            withdrawn_at = connection.execute(before).scalar()
        if withdrawn_at is None:
            self._decision_log.get(decision_id)
            raise _not_pending("no contact of this decision waits to be presented")
        return Withdrawal(decision_id, moment_of(withdrawn_at))

    def _end_contact(self, connection: Connection, decision_id: str, now: int) -> str | None:
        """End the contact if there is one; return its customer.

        Rows are locked in the same order as by delivery and ingestion. A concurrent second call waits here and then
        finds nothing.
        """
        settled = {"state": State.WITHHELD, "settled_at": now, "reason": "withdrawn by its channel"}
        customers = select(PENDING.c.customer_id).where(PENDING.c.decision_id == decision_id)
        waiting = update(OUTBOX).where(OUTBOX.c.decision_id == decision_id, OUTBOX.c.state == State.WAITING)
        planned = connection.execute(waiting.values(settled).returning(OUTBOX.c.customer_id)).scalar()
        lock_customers(connection, self._database, connection.execute(customers).scalars())
        ended = delete(PENDING).where(PENDING.c.decision_id == decision_id)
        pending = connection.execute(ended.returning(PENDING.c.customer_id)).scalar()
        if pending is not None:
            return str(pending)
        presented = select(EVENTS.c.sequence).where(
            EVENTS.c.decision_id == decision_id, EVENTS.c.type == self._presented(), ~EVENTS.c.stray
        )
        if connection.execute(presented.limit(1)).first() is not None:
            raise _not_pending("it was presented")
        return None if planned is None else str(planned)


def _not_pending(got: str) -> ContactNotPendingError:
    return ContactNotPendingError(
        "there is no contact to withdraw",
        got=got,
        expected="a decision in an outbound channel that offered something and was not presented",
    )
