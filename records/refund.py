"""Refunds: give budgets back what cancelled contacts had claimed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, update

from records.schema import CHARGES, PLANNED, SPENDING

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

    A repeated call gives back nothing more, because the charges are deleted. A contact of a batch run gives back its
    share of the run's charge, rounded down, if it belongs to the plan that was charged. Decisions in the archive are
    not refunded.

    Args:
        connection: In the transaction that ends the contacts of these decisions.
        decisions: Ids of the decisions.
    """
    ids = sorted(decisions)
    freed = _charges(connection, ids) + _planned(connection, ids)
    if freed:
        # in the order in which all transactions lock budgets
        rows = [{"name": name, "since": since, "freed": amount} for (name, since), amount in sorted(freed.items())]
        connection.execute(_LESS, rows)


def _charges(connection: Connection, ids: Sequence[str]) -> Counter[Place]:
    freed: Counter[Place] = Counter()
    for portion in _portions(ids):
        charges = delete(CHARGES).where(CHARGES.c.decision_id.in_(portion))
        for budget, period, amount in connection.execute(
            charges.returning(CHARGES.c.budget, CHARGES.c.period, CHARGES.c.amount)
        ):
            freed[budget, period] += amount
    return freed


def _planned(connection: Connection, ids: Sequence[str]) -> Counter[Place]:
    parts: Counter[tuple[str, str, str]] = Counter()
    for portion in _portions(ids):
        planned = delete(PLANNED).where(PLANNED.c.decision_id.in_(portion))
        for night, budget, period, amount in connection.execute(
            planned.returning(PLANNED.c.night, PLANNED.c.budget, PLANNED.c.period, PLANNED.c.amount)
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
