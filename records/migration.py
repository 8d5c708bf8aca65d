"""Brings data of earlier versions of the program into today's form when a database is opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlalchemy import Connection, func, select, update

from records.journal_tables import AUDIT, ERASED, NAMED

_PLAIN: Final = "sha256:"
_AFTER: Final = "sha256;"
"""The next text after all with that prefix, so that an index finds them; it costs nothing where there are none."""


def adopt_erasures(connection: Connection, hashed: Callable[[str], str]) -> int:
    """Convert erasures from audits that named customers by plain hashes, which can be guessed by trial.

    Args:
        connection: In the transaction that creates missing tables.
        hashed: Salts a plain hash, hexadecimal.

    Returns:
        Number of converted lines of the audit.
    """
    plain = (AUDIT.c.subject >= _PLAIN) & (AUDIT.c.subject < _AFTER)
    lines = connection.execute(select(AUDIT.c.subject, AUDIT.c.act, AUDIT.c.at).where(plain)).all()
    erased: dict[str, int] = {}
    for subject, act, at in lines:
        if act == "erase a customer":
            erased[subject] = max(at, erased.get(subject, at))
    number: int = connection.execute(select(func.coalesce(func.max(ERASED.c.number), 0))).scalar_one()
    for subject in sorted({line.subject for line in lines}):
        name = hashed(subject.removeprefix(_PLAIN))
        connection.execute(update(AUDIT).where(AUDIT.c.subject == subject).values(subject=f"{NAMED}{name}"))
        known = select(ERASED.c.customer).where(ERASED.c.customer == name)
        if subject in erased and connection.execute(known).first() is None:
            number += 1
            connection.execute(ERASED.insert(), {"customer": name, "erased_at": erased[subject], "number": number})
    return len(lines)
