"""Databases that keep text as it was said: PostgreSQL's in UTF8."""

from __future__ import annotations

from typing import Any, Final

from domain.errors import StateError

WANTED: Final = "UTF8"


def expect_utf8(connection: Any, setting: str) -> None:
    """Refuse a database of PostgreSQL whose text is in another encoding, SQL_ASCII or LATIN1 say.

    Names of customers could not be kept in it, or would come back as something else.

    Args:
        connection: Of psycopg, just opened; closed where the database is refused.
        setting: Names the database.

    Raises:
        StateError: It is in another encoding.

    Example:
        >>> from types import SimpleNamespace as Some
        >>> old = Some(
        ...     info=Some(dbname="nbo", parameter_status={"server_encoding": "SQL_ASCII"}.get), close=lambda: None
        ... )
        >>> expect_utf8(old, "NBO_DECISION_LOG")
        Traceback (most recent call last):
        domain.errors.StateError: the database of NBO_DECISION_LOG keeps text in an encoding that nbo does not \
take: got SQL_ASCII in 'nbo', expected UTF8; drop it and make it anew: \
CREATE DATABASE "nbo" ENCODING 'UTF8' TEMPLATE template0
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding == WANTED:
        return
    name = connection.info.dbname
    connection.close()
    raise StateError(
        f"the database of {setting} keeps text in an encoding that nbo does not take",
        got=f"{encoding} in '{name}'",
        expected=WANTED,
        remedy=f"drop it and make it anew: CREATE DATABASE \"{name}\" ENCODING '{WANTED}' TEMPLATE template0",
    )
