"""Statements on the path of a decision: compiled once, then run by the driver without SQLAlchemy.

SQLAlchemy takes ten to thirty microseconds for a statement that SQLite answers in four.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Select, Table, TextClause, UpdateBase, text
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.compiler import SQLCompiler

Construct = Select[Any] | UpdateBase | TextClause


class Statement:
    """A statement that is compiled once for each database and length of its lists.

    Values go to the driver and come back as they are, so they must be whole numbers, floats, texts or bytes.

    Attributes:
        construct: The statement in SQLAlchemy's form; its `expanding` parameters take lists.
    """

    def __init__(self, construct: Construct) -> None:
        self.construct = construct
        self._compiled: dict[tuple[str | int, ...], _Compiled] = {}

    def rows(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Run the statement and return its rows.

        Raises:
            DBAPIError: As SQLAlchemy would.
        """
        given = {name: _lengthened(value) if isinstance(value, list) else value for name, value in values.items()}
        compiled = self._compiled_for(connection.dialect, given)
        with _cursor(connection, compiled.text) as cursor:
            cursor.execute(compiled.text, compiled.parameters(given))
            return list(cursor.fetchall())

    def run_each(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run the statement, which returns nothing, once for each row of values, of which there is at least one.

        Raises:
            DBAPIError: As SQLAlchemy would.
        """
        compiled = self._compiled_for(connection.dialect, rows[0])
        with _cursor(connection, compiled.text) as cursor:
            cursor.executemany(compiled.text, [compiled.parameters(row) for row in rows])

    def _compiled_for(self, dialect: Dialect, values: Mapping[str, Any]) -> _Compiled:
        lengths = [len(value) for value in values.values() if isinstance(value, list)]
        key: tuple[str | int, ...] = (dialect.name, *lengths)
        if key not in self._compiled:
            self._compiled[key] = _Compiled.of(self.construct, dialect, values)
        return self._compiled[key]


@cache
def insert_new(table: Table) -> Statement:
    """Return the INSERT that skips rows that exist; columns that the database fills are left out."""
    names = [column.name for column in table.columns if not (column.autoincrement is True or column.server_default)]
    values = ", ".join(f":{name}" for name in names)
    return Statement(text(f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({values}) ON CONFLICT DO NOTHING"))  # noqa: S608  names of our own


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement as a driver takes it.

    Attributes:
        text: The text.
        places: Its parameters: name in the text, name among the values, and for a list the position in it.
        constants: Values of parameters that belong to the statement.
        by_position: Whether the driver takes parameters in the order of `places` rather than by name.
    """

    text: str
    places: tuple[tuple[str, str, int | None], ...]
    constants: Mapping[str, Any]
    by_position: bool

    @classmethod
    def of(cls, construct: Construct, dialect: Dialect, values: Mapping[str, Any]) -> _Compiled:
        """Compile a statement for lists as long as those among the values."""
        compiled = construct.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)
        expanded = compiled.construct_expanded_state(dict(values))
        of_lists = {
            name: (name, of, position)
            for of, names in expanded.parameter_expansion.items()
            for position, name in enumerate(names)
        }
        names = expanded.positiontup or expanded.parameters
        return cls(
            expanded.statement,
            tuple(of_lists.get(name, (name, name, None)) for name in names),
            {name: value for name, value in compiled.params.items() if name not in values},
            compiled.positional,
        )

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """Return values as the driver takes them: a list, or a dict by name."""
        known = {**self.constants, **values}
        if self.by_position:
            return [known[of] if position is None else known[of][position] for _, of, position in self.places]
        return {name: known[of] if position is None else known[of][position] for name, of, position in self.places}


@contextmanager
def _cursor(connection: Connection, statement: str) -> Iterator[DBAPICursor]:
    """Open a cursor; errors are SQLAlchemy's, and a connection that is broken is used no more."""
    cursor, dialect = connection.connection.cursor(), connection.dialect
    try:
        yield cursor
    except dialect.loaded_dbapi.Error as error:
        is_broken = dialect.is_disconnect(error, connection.connection.dbapi_connection, cursor)
        if is_broken:
            connection.invalidate(error)
        raise DBAPIError.instance(
            statement, None, error, dialect.loaded_dbapi.Error, connection_invalidated=is_broken, dialect=dialect
        ) from error
    finally:
        cursor.close()


def _lengthened(values: list[Any]) -> list[Any]:
    """Repeat the last value up to a power of two: so there are few texts, and drivers keep them prepared."""
    missing = (1 << (len(values) - 1).bit_length()) - len(values) if values else 0
    return [*values, *values[-1:] * missing]
