"""Giving back to budgets what contacts claimed that are not made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, update

from records.journal_tables import CHARGES, PLANNED, SPENDING

_IDS_PER_STATEMENT: Final = 5_000

Place = tuple[str, str]
"""Budget and period."""

_LESS: Final = (
    update(SPENDING)
    .where(SPENDING.c.budget == bindparam("name"), SPENDING.c.period == bindparam("since"))
    .values(spent=SPENDING.c.spent - bindparam("freed"))
)


def refund(connection: Connection, decisions: Iterable[str]) -> None:
    """Give back what decisions claimed of budgets, in the periods in which they claimed it.

    Once only, whoever asks how often: the charges are gone with it, and who comes second finds none. A contact of a
    night gives back its part of the night's charge, rounded down, if it is of the plan that was charged. What was
    moved to the archive stays spent.

    Args:
        connection: In the transaction that ends the contacts of these decisions.
        decisions: Their ids.
    """
    ids = sorted(decisions)
    freed = _charges(connection, ids) + _planned(connection, ids)
    if freed:
        # in the order in which all transactions lock budgets
        rows = [{"name": name, "since": since, "freed": amount} for (name, since), amount in sorted(freed.items())]
        connection.execute(_LESS, rows)


def _charges(connection: Connection, ids: Sequence[str]) -> Counter[Place]:
    freed: Counter[Place] = Counter()
    for some in _portions(ids):
        mine = delete(CHARGES).where(CHARGES.c.decision_id.in_(some))
        for budget, period, amount in connection.execute(
            mine.returning(CHARGES.c.budget, CHARGES.c.period, CHARGES.c.amount)
        ):
            freed[budget, period] += amount
    return freed


def _planned(connection: Connection, ids: Sequence[str]) -> Counter[Place]:
    parts: Counter[tuple[str, str, str]] = Counter()
    for some in _portions(ids):
        mine = delete(PLANNED).where(PLANNED.c.decision_id.in_(some))
        for night, budget, period, amount in connection.execute(
            mine.returning(PLANNED.c.night, PLANNED.c.budget, PLANNED.c.period, PLANNED.c.amount)
        ):
            parts[night, budget, period] += amount
    freed: Counter[Place] = Counter()
    for (night, budget, period), amount in sorted(parts.items()):
        whole = (CHARGES.c.decision_id == night) & (CHARGES.c.budget == budget) & (CHARGES.c.amount >= amount)
        if connection.execute(update(CHARGES).where(whole).values(amount=CHARGES.c.amount - amount)).rowcount:
            freed[budget, period] += amount
    return freed


def _portions(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    return (ids[start : start + _IDS_PER_STATEMENT] for start in range(0, len(ids), _IDS_PER_STATEMENT))
