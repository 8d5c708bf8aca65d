"""Budget charges of batch runs: each night is charged once, for the plan in force."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, select, true, update

from decisioning.budgets.budget import Budget
from decisioning.budgets.period import period_of
from decisioning.plan.contact_options import ContactOptions
from decisioning.policies.compiled import CompiledPolicy
from domain.errors import StateError
from expressions.types import Array
from records.database import Database
from records.decision_writes import UNIT
from records.flush import KEPT
from records.schema import CHARGES, PLANNED, SPENDING
from serving.delivery.plans import Contacted, contacted, lock_plan, night_of, supersede
from serving.service.budgets import remaining

ROWS_PER_STATEMENT: Final = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class ContactUses:
    """Expected budget use of individual contacts.

    Attributes:
        decision_ids: Decision id of each of the k contacts.
        customers: Customer id of each contact.
        uses: Use by budget, shape (k,), in the budget's unit.
    """

    decision_ids: Sequence[str]
    customers: Sequence[str]
    uses: Mapping[str, Array]

    @classmethod
    def of(
        cls, policy: CompiledPolicy, contact_options: ContactOptions, chosen: NDArray[np.int32], contacts: pa.Table
    ) -> ContactUses:
        """Extract the contacts of a part from its plan.

        Args:
            policy: Policy with the budgets that the options use.
            contact_options: Contact options of the part's customers.
            chosen: Which of a customer's options is chosen, shape (n,); -1 for none.
            contacts: Chosen contacts, in the order of their customers, with `serving.batch.contacts.SCHEMA`.
        """
        rows = np.flatnonzero(chosen >= 0)
        names = [compiled.budget.name for compiled in policy.budgets]
        return cls(
            contacts["decision_id"].to_pylist(),
            contacts["customer_id"].to_pylist(),
            {name: use[rows, chosen[rows]] for name, use in zip(names, contact_options.uses, strict=True)},
        )


def remaining_before_batch(database: Database, policy: CompiledPolicy, as_of: datetime) -> dict[str, float]:
    """Return what a batch run may plan with: what is left of every budget if the night's earlier plan is cancelled.

    Contacts of that plan that have left the outbox stay charged.

    Args:
        database: Database of decisions and journal.
        policy: Policy with the budgets.
        as_of: Local midnight.

    Raises:
        StateError: The database does not answer, so nothing may be spent.
    """
    left = remaining(database, policy, as_of)
    gone = contacted(database, night_of(as_of, policy.time_zone))
    with database.reading() as connection:
        charge = _Charge.read(connection, policy, as_of, gone)
    return {name: amount + charge.refund(name) / UNIT for name, amount in left.items()}


def charge_batch(
    database: Database,
    policy: CompiledPolicy,
    as_of: datetime,
    run: str,
    used: Mapping[str, float],
    contacts: Sequence[ContactUses] = (),
) -> None:
    """Put a batch run's plan in force and charge it; an earlier plan of the same night is cancelled and refunded.

    Contacts of the earlier plan that have left stay charged. Their customers are not charged again, because the outbox
    contacts nobody twice. Charging the plan already in force changes nothing.

    Args:
        database: Database of decisions and journal.
        policy: Policy with the budgets.
        as_of: Local midnight.
        run: Name of the run that made the plan.
        used: Planned use by budget, in its unit.
        contacts: Share of each contact, refunded if the contact is not made.

    Raises:
        StateError: The database does not answer, or real-time decisions have spent what the plan counted on. Nothing
            is charged, and the earlier plan stays in force.
    """
    night = night_of(as_of, policy.time_zone)
    with database.transaction() as connection:
        # in a transaction of its own, so that nobody waits for both
        connection.execute(delete(PLANNED).where(PLANNED.c.night < _charge_id(policy, as_of - KEPT)))
    with database.transaction() as connection:
        if lock_plan(database, connection, night) == run:
            return
        gone = supersede(connection, night, run, datetime.now(UTC))
        charge = _Charge.read(connection, policy, as_of, gone)
        charge.forget_cancelled(connection, gone)
        budgets = {compiled.budget.name: compiled.budget for compiled in policy.budgets if compiled.budget.name in used}
        periods = {name: period_of(budget, as_of, policy.time_zone) for name, budget in budgets.items()}
        repeated: Counter[str] = Counter()
        for part in contacts:
            again = np.array([customer in gone.customers for customer in part.customers], dtype=bool)
            for rows in _planned(part, ~again, charge.id, periods):
                connection.execute(database.add(PLANNED), rows)
            repeated.update({name: math.floor(use[again].sum() * UNIT) for name, use in part.uses.items()})
        amounts = {name: max(0, math.ceil(used[name] * UNIT) - repeated[name]) for name in budgets}
        # last, so that real-time decisions do not wait for the rest
        charge.replace(database, connection, budgets, periods, amounts)


@dataclass(frozen=True, slots=True)
class _Charge:
    """What a night is charged, and which part of that is final: in 1/10,000 of a budget's unit."""

    id: str
    before: Mapping[str, tuple[str, int]]
    """Period and amount, by budget."""
    kept: Mapping[str, int]
    """Final amount by budget: of contacts that have left."""

    @classmethod
    def read(cls, connection: Connection, policy: CompiledPolicy, as_of: datetime, gone: Contacted) -> _Charge:
        charge_id = _charge_id(policy, as_of)
        query = select(CHARGES.c.budget, CHARGES.c.period, CHARGES.c.amount).where(CHARGES.c.decision_id == charge_id)
        before = {name: (period, amount) for name, period, amount in connection.execute(query)}
        left: Counter[str] = Counter()
        for portion in _portions(sorted(gone.decisions)):
            parts = select(PLANNED.c.budget, PLANNED.c.amount).where(PLANNED.c.decision_id.in_(portion))
            for name, amount in connection.execute(parts.where(PLANNED.c.night == charge_id)):
                left[name] += amount + 1  # it was rounded down
        return cls(charge_id, before, {name: min(left[name], amount) for name, (_, amount) in before.items()})

    def refund(self, name: str) -> int:
        """Return the amount of a budget that a new plan gives back."""
        return self.before[name][1] - self.kept[name] if name in self.before else 0

    def forget_cancelled(self, connection: Connection, gone: Contacted) -> None:
        """Delete the shares of cancelled contacts, so that they are not refunded."""
        query = select(PLANNED.c.decision_id).where(PLANNED.c.night == self.id).distinct()
        cancelled = sorted(set(connection.execute(query).scalars()) - gone.decisions.keys())
        for portion in _portions(cancelled):
            connection.execute(delete(PLANNED).where(PLANNED.c.decision_id.in_(portion)))

    def replace(
        self,
        database: Database,
        connection: Connection,
        budgets: Mapping[str, Budget],
        periods: Mapping[str, str],
        amounts: Mapping[str, int],
    ) -> None:
        """Replace the charges by new amounts plus what is final."""
        connection.execute(delete(CHARGES).where(CHARGES.c.decision_id == self.id))
        changes: Counter[tuple[str, str]] = Counter()
        charges = dict.fromkeys([(name, period) for name, (period, _) in self.before.items()], 0)
        for name, (period, _) in self.before.items():
            changes[name, period] -= self.refund(name)
            charges[name, period] = self.kept[name]
        for name, amount in amounts.items():
            changes[name, periods[name]] += amount
            charges[name, periods[name]] = charges.get((name, periods[name]), 0) + amount
        for (name, period), more in sorted(changes.items()):
            _spend(database, connection, budgets.get(name), name, period, more)
        rows = [
            {"decision_id": self.id, "budget": name, "period": period, "amount": amount}
            for (name, period), amount in sorted(charges.items())
            if periods.get(name, period) == period  # if a budget's period has changed, the final amount stays spent
        ]
        if rows:
            connection.execute(CHARGES.insert(), rows)


def _spend(
    database: Database, connection: Connection, budget: Budget | None, name: str, period: str, more: int
) -> None:
    """Change what is spent of a budget, only if enough is left: checked and updated in one statement."""
    connection.execute(database.add(SPENDING), {"budget": name, "period": period, "spent": 0})
    place = (SPENDING.c.budget == name) & (SPENDING.c.period == period)
    enough = SPENDING.c.spent + more <= math.floor(budget.amount * UNIT) if budget is not None and more > 0 else true()
    changed = connection.execute(update(SPENDING).where(place, enough).values(spent=SPENDING.c.spent + more))
    if budget is not None and not changed.rowcount:
        raise StateError(
            f"real-time decisions have spent budget {name} during the batch run",
            got=f"{more / UNIT:,.6g} {budget.unit} more planned than before, more than is left",
            remedy="repeat the batch run: it plans with what is left now",
        )


def _planned(
    contacts: ContactUses, made: NDArray[np.bool_], charge_id: str, periods: Mapping[str, str]
) -> Iterator[list[dict[str, Any]]]:
    """Yield rows with the shares of contacts, rounded down so that refunds never exceed the charge."""
    for name, period in sorted(periods.items()):
        amounts = np.floor(contacts.uses[name] * UNIT).astype(np.int64)
        using = np.flatnonzero((amounts > 0) & made).tolist()
        for start in range(0, len(using), ROWS_PER_STATEMENT):
            yield [
                {
                    "decision_id": contacts.decision_ids[place],
                    "budget": name,
                    "night": charge_id,
                    "period": period,
                    "amount": int(amounts[place]),
                }
                for place in using[start : start + ROWS_PER_STATEMENT]
            ]


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + ROWS_PER_STATEMENT] for start in range(0, len(ids), ROWS_PER_STATEMENT))


def _charge_id(policy: CompiledPolicy, as_of: datetime) -> str:
    """Return the charge's id, used in place of a decision id; it cannot clash, because those are hexadecimal."""
    return f"night {night_of(as_of, policy.time_zone)}"
