"""Giving back to budgets what contacts claimed that are not made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, delete, update

from serving.journal.tables import CHARGES, SPENDING

_IDS_PER_STATEMENT: Final = 5_000

_LESS: Final = (
    update(SPENDING)
    .where(SPENDING.c.budget == bindparam("name"), SPENDING.c.period == bindparam("since"))
    .values(spent=SPENDING.c.spent - bindparam("freed"))
)


def give_back(connection: Connection, decisions: Iterable[str]) -> None:
    """Give back what decisions claimed of budgets, in the periods in which they claimed it.

    Once only, whoever asks how often: the charges are gone with it, and who comes second finds none. What was moved
    to the archive stays spent.

    Args:
        connection: In the transaction that ends the contacts of these decisions.
        decisions: Their ids.
    """
    ids = sorted(decisions)
    freed: Counter[tuple[str, str]] = Counter()
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        theirs = CHARGES.c.decision_id.in_(ids[start : start + _IDS_PER_STATEMENT])
        gone = delete(CHARGES).where(theirs).returning(CHARGES.c.budget, CHARGES.c.period, CHARGES.c.amount)
        for budget, period, amount in connection.execute(gone):
            freed[budget, period] += amount
    if freed:
        # in the order in which all transactions lock budgets
        rows = [{"name": name, "since": since, "freed": amount} for (name, since), amount in sorted(freed.items())]
        connection.execute(_LESS, rows)
