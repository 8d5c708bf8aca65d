"""Brings what a source names elsewhere into a local folder, where it is read like any other file.

A query's rows become a folder of Parquet files, a chunk each, so that memory holds one chunk; the files of a bucket or
of a web server are copied. Whether an address may be asked is for `wiring.fetching` to decide, before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
from sqlalchemy import ColumnClause, Connection, Engine, create_engine, literal_column, make_url, select, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from domain.errors import SourceError, StateError
from events.mapping import Source
from events.source_files import SourceFile, source_file

ROWS_PER_CHUNK: Final = 50_000
_COPY: Final = 8 * 2**20


def engine_of(source: Source, environ: Mapping[str, str]) -> Engine:
    """Return the database of a source's query, from the environment.

    Raises:
        StateError: The variable is not set, or its value is no address of a database; the value is not shown.
    """
    name = str(source.connection)
    address = environ.get(name)
    if not address:
        raise StateError(
            f"the database of source '{source.name}' is unknown",
            expected=f"its address in the environment variable {name}",
            remedy=f"set it, for example {name}=postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
        )
    try:
        return create_engine(make_url(address))
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError) as error:
        raise StateError(
            f"{name} is not the address of a database",
            got=_without_secrets(str(error), address),
            expected="an address as SQLAlchemy writes it, such as postgresql+psycopg://USER:PASSWORD@HOST/DATABASE",
            remedy="correct it, or install the database's driver",
        ) from None


def fetch_query(
    source: Source, engine: Engine, folder: Path, after: object | None
) -> tuple[list[SourceFile], object | None]:
    """Write the rows of a source's query to a folder.

    Args:
        source: Source with a query.
        engine: Database.
        folder: New folder for the rows.
        after: Greatest watermark of earlier imports; None for all rows.

    Returns:
        One file for all rows, none if there are none; and the greatest watermark now.

    Raises:
        SourceError: The database refuses the connection or the query, or a column has no type that can be read.
    """
    folder.mkdir(parents=True)
    greatest = after
    try:
        with engine.connect() as connection:
            for number, table in enumerate(_tables(source, connection, engine, after)):
                pq.write_table(table, folder / f"{number:06d}.parquet")
                if source.watermark:
                    marks = [mark for mark in table[source.watermark].to_pylist() if mark is not None]
                    greatest = max([*marks, *([] if greatest is None else [greatest])], default=None)
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error)
        raise SourceError(
            f"the query of source '{source.name}' failed",
            got=_without_secrets(cause, engine.url.render_as_string(hide_password=False)),
            remedy=f"check `query` in sources.yaml, and the address in {source.connection}",
        ) from None
    except (pa.ArrowException, TypeError) as error:
        raise SourceError(
            f"a column of the query of source '{source.name}' cannot be read",
            got=str(error),
            remedy="CAST it to a text, a number or a time in the query",
        ) from error
    size = sum(file.stat().st_size for file in folder.iterdir())
    found = SourceFile(
        source=source, path=folder, name=f"query in {source.connection}", format="parquet", size_bytes=size
    )
    return ([found] if size else []), greatest


def _tables(source: Source, connection: Connection, engine: Engine, after: object | None) -> Iterator[pa.Table]:
    query = str(source.query).strip().rstrip(";")
    statement: Any = text(query)
    parameters: dict[str, object] = {}
    if source.watermark:
        column: ColumnClause[Any] = literal_column(engine.dialect.identifier_preparer.quote(source.watermark))
        statement = select(literal_column("*")).select_from(text(f"({query}) nbo_source"))
        if after is not None:
            # rows with the last watermark come again: some of them may have been written since
            statement, parameters = statement.where(column >= text(":after")), {"after": after}
    result = connection.execution_options(stream_results=True).execute(statement, parameters)
    names = list(result.keys())
    if source.watermark and source.watermark not in names:
        raise SourceError(
            f"the query of source '{source.name}' has no column for its watermark",
            got=f"'{source.watermark}'",
            expected=f"one of {', '.join(names)}",
        )
    for rows in result.partitions(ROWS_PER_CHUNK):
        columns = list(zip(*rows, strict=True))
        yield pa.table({name: pa.array(map(_plain, values)) for name, values in zip(names, columns, strict=True)})


def _plain(value: object) -> object:
    """Return a value that Arrow knows; a decimal becomes a text in its own digits if it is no whole number."""
    match value:
        case None | str() | int() | float() | bool() | datetime() | date():
            return value
        case Decimal():
            return float(value) if value != value.to_integral_value() else int(value)
        case UUID():
            return str(value)
        case memoryview() | bytes():
            raise TypeError("a column of bytes")
    return str(value)


def _without_secrets(message: str, address: str) -> str:
    password = make_url(address).password if "://" in address else None
    plain = message.replace(address, "the address")
    return plain.replace(str(password), "***") if password else plain


def fetch_bucket(source: Source, pattern: str, folder: Path, environ: Mapping[str, str]) -> list[SourceFile]:
    """Copy the files of a bucket that match a pattern, such as `s3://bucket/crm/*.csv`.

    Credentials come from the environment, as the clouds' own tools read them: `AWS_ACCESS_KEY_ID` and its like, with
    `AWS_ENDPOINT_URL` for another S3 server; `GOOGLE_APPLICATION_CREDENTIALS`; `AZURE_STORAGE_ACCOUNT_NAME` and
    `AZURE_STORAGE_ACCOUNT_KEY`.

    Raises:
        SourceError: The bucket cannot be read, or no file matches.
    """
    parts = urlsplit(pattern)
    wanted = f"{parts.netloc}{parts.path}"
    fixed = wanted[: min((wanted.index(mark) for mark in "*?[" if mark in wanted), default=len(wanted))]
    try:
        system = _file_system(parts.scheme, environ)
        begin = fixed if fixed == wanted else str(PurePosixPath(fixed + "x").parent)
        if fixed == wanted:
            found = system.get_file_info([wanted])
        else:
            found = system.get_file_info(pyarrow.fs.FileSelector(begin, recursive=True, allow_not_found=True))
        files = sorted(one.path for one in found if one.type == pyarrow.fs.FileType.File and fnmatch(one.path, wanted))
        if not files:
            raise SourceError(
                f"no file matches a pattern of source '{source.name}'",
                got=f"'{pattern}'",
                expected=f"one of {', '.join(one.path for one in found[:12]) or 'nothing: there are no files'}",
            )
        return [_copied(source, system, path, f"{parts.scheme}://{path}", folder / path) for path in files]
    except (OSError, pa.ArrowException, KeyError) as error:
        raise SourceError(
            f"'{pattern}' of source '{source.name}' cannot be read",
            got=str(error),
            remedy="check the address, and the credentials in the environment",
        ) from error


def _file_system(scheme: str, environ: Mapping[str, str]) -> pyarrow.fs.FileSystem:
    match scheme:
        case "s3":
            endpoint = environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL")
            return pyarrow.fs.S3FileSystem(
                region=environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None,
                endpoint_override=endpoint.split("://", 1)[-1] if endpoint else None,
                scheme=endpoint.split("://", 1)[0] if endpoint and "://" in endpoint else "https",
            )
        case "gs":
            return pyarrow.fs.GcsFileSystem()
        case _:
            return pyarrow.fs.AzureFileSystem(
                environ["AZURE_STORAGE_ACCOUNT_NAME"], environ.get("AZURE_STORAGE_ACCOUNT_KEY")
            )


def _copied(source: Source, system: pyarrow.fs.FileSystem, path: str, name: str, target: Path) -> SourceFile:
    target.parent.mkdir(parents=True, exist_ok=True)
    with system.open_input_stream(path, compression=None) as stream, target.open("wb") as copy:
        while data := stream.read(_COPY):
            copy.write(data)
    return source_file(source, target, name)


def safe_name(address: str) -> str:
    """Return the file name of an address.

    Example:
        >>> safe_name("https://files.bank.example/crm/contacts.csv?day=1")
        'contacts.csv'
    """
    return PurePosixPath(urlsplit(address).path).name or "file"


def needs_fetching(sources: Sequence[Source]) -> bool:
    """Return whether a source names anything elsewhere."""
    return any(source.query or any("://" in pattern for pattern in source.files) for source in sources)
