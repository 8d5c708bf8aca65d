"""What the contacts of a night use of budgets: charged when they are planned, once a night, by the plan in force."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, delete, select, true, update

from decisioning.policies.compiled import CompiledPolicy
from domain.errors import StateError
from serving.database import Database
from serving.journal.keeping import UNIT
from serving.journal.tables import CHARGES, SPENDING
from serving.live.budgets import period_of, remaining


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


def charge_night(database: Database, policy: CompiledPolicy, as_of: datetime, used: Mapping[str, float]) -> None:
    """Charge a night's plan, in the place of an earlier plan of the same night.

    Args:
        database: Of decisions and journal.
        policy: Its budgets.
        as_of: The local midnight.
        used: By budget, in its unit.

    Raises:
        StateError: The database does not answer, or decisions of the moment have used what the plan counted on;
            nothing is charged.
    """
    budgets = {compiled.budget.name: compiled.budget for compiled in policy.budgets if compiled.budget.name in used}
    night = _night(policy, as_of)
    with database.transaction() as connection:
        before = _charged(connection, policy, as_of)
        connection.execute(delete(CHARGES).where(CHARGES.c.decision_id == night))
        for name, budget in sorted(budgets.items()):
            period, amount = period_of(budget, as_of, policy.time_zone), math.ceil(used[name] * UNIT)
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


def _charged(connection: Connection, policy: CompiledPolicy, as_of: datetime) -> dict[str, int]:
    query = select(CHARGES.c.budget, CHARGES.c.amount).where(CHARGES.c.decision_id == _night(policy, as_of))
    return dict(connection.execute(query).tuples().all())


def _night(policy: CompiledPolicy, as_of: datetime) -> str:
    """Stand in the place of a decision's id, which is hexadecimal."""
    return f"night {as_of.astimezone(policy.time_zone):%Y-%m-%d}"
