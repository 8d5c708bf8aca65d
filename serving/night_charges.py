"""What the contacts of a night use of budgets: charged when they are planned, once a night, by the plan in force."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, select, true, update

from decisioning.plan.wishes import Wishes
from decisioning.policies.compiled import CompiledPolicy
from domain.errors import StateError
from expressions.types import Array
from serving.database import Database
from serving.journal.draining import KEPT
from serving.journal.keeping import UNIT
from serving.journal.tables import CHARGES, PLANNED, SPENDING
from serving.live.budgets import period_of, remaining

ROWS_PER_STATEMENT: Final = 5_000


@dataclass(frozen=True, slots=True, eq=False)
class ContactUses:
    """What each of some contacts is expected to use of budgets.

    Attributes:
        decision_ids: Of k contacts.
        uses: By budget, shape (k,), in its unit.
    """

    decision_ids: Sequence[str]
    uses: Mapping[str, Array]

    @classmethod
    def of(
        cls, policy: CompiledPolicy, wishes: Wishes, chosen: NDArray[np.int32], decision_ids: Sequence[str]
    ) -> ContactUses:
        """Take them from what was planned of a part.

        Args:
            policy: Whose budgets the wishes use.
            wishes: Of the part's customers.
            chosen: Shape (n,), which of a customer's contacts is made; -1 for none.
            decision_ids: Of those that are made, in the order of their customers.
        """
        rows = np.flatnonzero(chosen >= 0)
        names = [compiled.budget.name for compiled in policy.budgets]
        return cls(
            decision_ids,
            {name: use[rows, chosen[rows]] for name, use in zip(names, wishes.uses, strict=True)},
        )


def left_before_night(database: Database, policy: CompiledPolicy, as_of: datetime) -> dict[str, float]:
    """Read what a night may plan with: what is left of every budget, its own earlier plan not counted.

    Args:
        database: Of decisions and journal.
        policy: Its budgets.
        as_of: The local midnight.

    Raises:
        StateError: The database does not answer; nothing may be spent then.
    """
    left = remaining(database, policy, as_of)
    with database.reading() as connection:
        charged = _charged(connection, policy, as_of)
    return {name: amount + charged.get(name, 0) / UNIT for name, amount in left.items()}


def charge_night(
    database: Database,
    policy: CompiledPolicy,
    as_of: datetime,
    used: Mapping[str, float],
    contacts: Iterable[ContactUses] = (),
) -> None:
    """Charge a night's plan, in the place of an earlier plan of the same night.

    Args:
        database: Of decisions and journal.
        policy: Its budgets.
        as_of: The local midnight.
        used: By budget, in its unit.
        contacts: What each contact has of it, to be given back where it is not made. Contacts of an earlier plan give
            nothing back from now on.

    Raises:
        StateError: The database does not answer, or decisions of the moment have used what the plan counted on;
            nothing is charged.
    """
    budgets = {compiled.budget.name: compiled.budget for compiled in policy.budgets if compiled.budget.name in used}
    night = _night(policy, as_of)
    periods = {name: period_of(budget, as_of, policy.time_zone) for name, budget in budgets.items()}
    with database.transaction() as connection:
        # apart from the rest, so that nobody waits for both
        connection.execute(delete(PLANNED).where(PLANNED.c.night < _night(policy, as_of - KEPT)))
    with database.transaction() as connection:
        connection.execute(delete(PLANNED).where(PLANNED.c.night == night))
        # read as it is taken away: some of it may have been given back a moment ago
        mine = delete(CHARGES).where(CHARGES.c.decision_id == night)
        before = dict(connection.execute(mine.returning(CHARGES.c.budget, CHARGES.c.amount)).tuples().all())
        for rows in _planned(contacts, night, periods):
            connection.execute(database.add(PLANNED), rows)
        # last, so that decisions of the moment do not wait for the rest
        for name, budget in sorted(budgets.items()):
            period, amount = periods[name], math.ceil(used[name] * UNIT)
            connection.execute(database.add(SPENDING), {"budget": name, "period": period, "spent": 0})
            place = (SPENDING.c.budget == name) & (SPENDING.c.period == period)
            more = amount - before.get(name, 0)
            # a row is only changed where there is enough: nobody can spend it in between
            enough = SPENDING.c.spent + more <= math.floor(budget.amount * UNIT) if more > 0 else true()
            changed = connection.execute(update(SPENDING).where(place, enough).values(spent=SPENDING.c.spent + more))
            if not changed.rowcount:
                raise StateError(
                    f"others have used the budget {name} while the night was planned",
                    got=f"{used[name]:,.6g} {budget.unit} planned, more than is left",
                    remedy="decide for everybody again: the plan is made from what is left now",
                )
            row = {"decision_id": night, "budget": name, "period": period, "amount": amount}
            connection.execute(CHARGES.insert(), row)


def _planned(contacts: Iterable[ContactUses], night: str, periods: Mapping[str, str]) -> Iterator[list[dict[str, Any]]]:
    """Write what contacts use as rows, rounded down, so that they never give back more than was charged."""
    for some in contacts:
        for name, period in sorted(periods.items()):
            amounts = np.floor(some.uses[name] * UNIT).astype(np.int64)
            using = np.flatnonzero(amounts > 0).tolist()
            for start in range(0, len(using), ROWS_PER_STATEMENT):
                yield [
                    {
                        "decision_id": some.decision_ids[place],
                        "budget": name,
                        "night": night,
                        "period": period,
                        "amount": int(amounts[place]),
                    }
                    for place in using[start : start + ROWS_PER_STATEMENT]
                ]


def _charged(connection: Connection, policy: CompiledPolicy, as_of: datetime) -> dict[str, int]:
    query = select(CHARGES.c.budget, CHARGES.c.amount).where(CHARGES.c.decision_id == _night(policy, as_of))
    return dict(connection.execute(query).tuples().all())


def _night(policy: CompiledPolicy, as_of: datetime) -> str:
    """Stand in the place of a decision's id, which is hexadecimal."""
    return f"night {as_of.astimezone(policy.time_zone):%Y-%m-%d}"
