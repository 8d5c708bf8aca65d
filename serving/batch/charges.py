"""What the contacts of a night use of budgets: charged when they are planned, once a night, by the plan in force."""

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

from decisioning.plan.contact_options import ContactOptions
from decisioning.policies.budgets import Budget
from decisioning.policies.compiled import CompiledPolicy
from domain.errors import StateError
from expressions.types import Array
from records.database import Database
from records.decision_writes import UNIT
from records.flush import KEPT
from records.journal_tables import CHARGES, PLANNED, SPENDING
from serving.delivery.plans import Contacted, contacted, lock_plan, night_of, supersede
from serving.service.budgets import period_of, remaining

ROWS_PER_STATEMENT: Final = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class ContactUses:
    """What each of some contacts is expected to use of budgets.

    Attributes:
        decision_ids: Of k contacts.
        customers: Of the same contacts.
        uses: By budget, shape (k,), in its unit.
    """

    decision_ids: Sequence[str]
    customers: Sequence[str]
    uses: Mapping[str, Array]

    @classmethod
    def of(
        cls, policy: CompiledPolicy, wishes: ContactOptions, chosen: NDArray[np.int32], contacts: pa.Table
    ) -> ContactUses:
        """Take them from what was planned of a part.

        Args:
            policy: Whose budgets the wishes use.
            wishes: Of the part's customers.
            chosen: Shape (n,), which of a customer's contacts is made; -1 for none.
            contacts: Of `serving.batch.contacts.SCHEMA`: those that are made, in the order of their customers.
        """
        rows = np.flatnonzero(chosen >= 0)
        names = [compiled.budget.name for compiled in policy.budgets]
        return cls(
            contacts["decision_id"].to_pylist(),
            contacts["customer_id"].to_pylist(),
            {name: use[rows, chosen[rows]] for name, use in zip(names, wishes.uses, strict=True)},
        )


def remaining_before_batch(database: Database, policy: CompiledPolicy, as_of: datetime) -> dict[str, float]:
    """Read what a night may plan with: what is left of every budget, as if its earlier plan were cancelled.

    Contacts of that plan that have left the outbox stay charged.

    Args:
        database: Of decisions and journal.
        policy: Its budgets.
        as_of: The local midnight.

    Raises:
        StateError: The database does not answer; nothing may be spent then.
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
    """Put a night's plan in force and charge it; an earlier plan of the same night is cancelled and refunded.

    What has left of the earlier plan stays charged. Whom it reached is not charged again, for the outbox contacts
    nobody twice. To charge the plan that is in force already changes nothing.

    Args:
        database: Of decisions and journal.
        policy: Its budgets.
        as_of: The local midnight.
        run: Name of the run whose plan it is.
        used: By budget, in its unit.
        contacts: What each contact has of it, to be given back where it is not made.

    Raises:
        StateError: The database does not answer, or decisions of the moment have used what the plan counted on;
            nothing is charged, and the earlier plan stays in force.
    """
    night = night_of(as_of, policy.time_zone)
    with database.transaction() as connection:
        # apart from the rest, so that nobody waits for both
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
        for some in contacts:
            again = np.array([customer in gone.customers for customer in some.customers], dtype=bool)
            for rows in _planned(some, ~again, charge.id, periods):
                connection.execute(database.add(PLANNED), rows)
            repeated.update({name: math.floor(use[again].sum() * UNIT) for name, use in some.uses.items()})
        amounts = {name: max(0, math.ceil(used[name] * UNIT) - repeated[name]) for name in budgets}
        # last, so that decisions of the moment do not wait for the rest
        charge.replace(database, connection, budgets, periods, amounts)


@dataclass(frozen=True, slots=True)
class _Charge:
    """What a night is charged, and what of it stays whatever comes after: 1/10,000 of a budget's unit."""

    id: str
    before: Mapping[str, tuple[str, int]]
    """Period and amount, by budget."""
    kept: Mapping[str, int]
    """Of contacts that have left."""

    @classmethod
    def read(cls, connection: Connection, policy: CompiledPolicy, as_of: datetime, gone: Contacted) -> _Charge:
        charge_id = _charge_id(policy, as_of)
        query = select(CHARGES.c.budget, CHARGES.c.period, CHARGES.c.amount).where(CHARGES.c.decision_id == charge_id)
        before = {name: (period, amount) for name, period, amount in connection.execute(query)}
        left: Counter[str] = Counter()
        for some in _portions(sorted(gone.decisions)):
            parts = select(PLANNED.c.budget, PLANNED.c.amount).where(PLANNED.c.decision_id.in_(some))
            for name, amount in connection.execute(parts.where(PLANNED.c.night == charge_id)):
                left[name] += amount + 1  # it was rounded down
        return cls(charge_id, before, {name: min(left[name], amount) for name, (_, amount) in before.items()})

    def refund(self, name: str) -> int:
        """What a new plan gives back of a budget."""
        return self.before[name][1] - self.kept[name] if name in self.before else 0

    def forget_cancelled(self, connection: Connection, gone: Contacted) -> None:
        """Nothing is given back any more for contacts that were cancelled."""
        query = select(PLANNED.c.decision_id).where(PLANNED.c.night == self.id).distinct()
        cancelled = sorted(set(connection.execute(query).scalars()) - gone.decisions.keys())
        for some in _portions(cancelled):
            connection.execute(delete(PLANNED).where(PLANNED.c.decision_id.in_(some)))

    def replace(
        self,
        database: Database,
        connection: Connection,
        budgets: Mapping[str, Budget],
        periods: Mapping[str, str],
        amounts: Mapping[str, int],
    ) -> None:
        """Charge new amounts beside what stays."""
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
            if periods.get(name, period) == period  # where a budget's period has changed, what is kept stays spent
        ]
        if rows:
            connection.execute(CHARGES.insert(), rows)


def _spend(
    database: Database, connection: Connection, budget: Budget | None, name: str, period: str, more: int
) -> None:
    """Change what is spent of a budget; a row is only changed where there is enough: nobody can spend it in between."""
    connection.execute(database.add(SPENDING), {"budget": name, "period": period, "spent": 0})
    place = (SPENDING.c.budget == name) & (SPENDING.c.period == period)
    enough = SPENDING.c.spent + more <= math.floor(budget.amount * UNIT) if budget is not None and more > 0 else true()
    changed = connection.execute(update(SPENDING).where(place, enough).values(spent=SPENDING.c.spent + more))
    if budget is not None and not changed.rowcount:
        raise StateError(
            f"others have used the budget {name} while the night was planned",
            got=f"{more / UNIT:,.6g} {budget.unit} more planned than before, more than is left",
            remedy="decide for everybody again: the plan is made from what is left now",
        )


def _planned(
    some: ContactUses, made: NDArray[np.bool_], charge_id: str, periods: Mapping[str, str]
) -> Iterator[list[dict[str, Any]]]:
    """Write what contacts use as rows, rounded down, so that they never give back more than was charged."""
    for name, period in sorted(periods.items()):
        amounts = np.floor(some.uses[name] * UNIT).astype(np.int64)
        using = np.flatnonzero((amounts > 0) & made).tolist()
        for start in range(0, len(using), ROWS_PER_STATEMENT):
            yield [
                {
                    "decision_id": some.decision_ids[place],
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
    """Stand in the place of a decision's id, which is hexadecimal."""
    return f"night {night_of(as_of, policy.time_zone)}"
