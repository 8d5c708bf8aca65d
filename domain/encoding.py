"""Check that a PostgreSQL database stores text as UTF8."""

from __future__ import annotations

from typing import Any, Final

from domain.errors import StateError

WANTED: Final = "UTF8"


def expect_utf8(connection: Any, setting: str) -> None:
    """Refuse a PostgreSQL database whose text is in another encoding, such as SQL_ASCII or LATIN1.

    Such a database could not store all customers' names, or would return them changed.

    Args:
        connection: A psycopg connection that was just opened; it is closed if the database is refused.
        setting: Name of the setting that names the database.

    Raises:
        StateError: If the encoding is not UTF8.

    Example:
        >>> from types import SimpleNamespace as Some
        >>> old = Some(
        ...     info=Some(dbname="nbo", parameter_status={"server_encoding": "SQL_ASCII"}.get), close=lambda: None
        ... )
        >>> expect_utf8(old, "NBO_DECISION_LOG")
        Traceback (most recent call last):
        domain.errors.StateError: the database of NBO_DECISION_LOG stores text in an encoding that nbo does not \
support: got SQL_ASCII in 'nbo', expected UTF8; drop it and create it again: \
CREATE DATABASE "nbo" ENCODING 'UTF8' TEMPLATE template0
    """
    encoding = connection.info.parameter_status("server_encoding")
    if encoding == WANTED:
        return
    name = connection.info.dbname
    connection.close()
    raise StateError(
        f"the database of {setting} stores text in an encoding that nbo does not support",
        got=f"{encoding} in '{name}'",
        expected=WANTED,
        remedy=f"drop it and create it again: CREATE DATABASE \"{name}\" ENCODING '{WANTED}' TEMPLATE template0",
    )
