"""Fetches what sources name elsewhere, from addresses that are allowed, and remembers how far queries have come."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import blake2b
from ipaddress import ip_address
from pathlib import Path
from tempfile import mkdtemp
from typing import Final
from urllib.parse import urlsplit

import httpx

from domain.addresses import Inside
from domain.errors import SourceError, StateError
from events.fetching import engine_of, fetch_bucket, fetch_query, needs_fetching, safe_name
from events.mapping import Source
from events.source_files import SourceFile, is_address, source_file
from serving.outgoing import REMEDY, AddressRefusedError, way_to
from storage.atomic import replace_text
from wiring.components import Components

WATERMARKS: Final = "watermarks.json"
_SECONDS: Final = 60.0


@dataclass(slots=True)
class Fetched:
    """Files brought from elsewhere, for one import.

    Attributes:
        files: The files; they are deleted after the import.
        watermarks: Greatest watermark of each query.
    """

    files: list[SourceFile] = field(default_factory=list)
    watermarks: dict[str, object] = field(default_factory=dict)


@contextmanager
def fetched(components: Components, *, remember: bool = True) -> Iterator[Fetched]:
    """Fetch what the bank's sources name elsewhere; the watermarks are stored if the import succeeds.

    Raises:
        AddressRefusedError: An address is neither public nor listed in `network.yaml`.
        SourceError: Something cannot be read.
        StateError: A connection is not set.
    """
    found, sources = Fetched(), components.bank.sources
    if not needs_fetching(sources):
        yield found
        return
    components.places.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=".fetched-", dir=components.places.folder))  # for its owner alone
    stored = components.places.folder / WATERMARKS
    try:
        before = _stored(stored)
        for position, source in enumerate(sources):
            _fetch(source, folder / str(position), components.bank.network.inside, before, found)
        yield found
        if remember and found.watermarks:
            replace_text(stored, json.dumps({**before, **{k: _written(v) for k, v in found.watermarks.items()}}))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fetch(
    source: Source, folder: Path, inside: Sequence[str], before: Mapping[str, list[str]], found: Fetched
) -> None:
    allowed = Inside(inside)
    if source.query:
        engine = engine_of(source, os.environ)
        if engine.url.host:
            _require_allowed(engine.url.host, f"the database in {source.connection}", allowed)
        key = f"{source.name}/{blake2b(repr(source).encode(), digest_size=8).hexdigest()}"
        try:
            files, greatest = fetch_query(source, engine, folder, _read(before[key]) if key in before else None)
        finally:
            engine.dispose()
        found.files += files
        if greatest is not None:
            found.watermarks[key] = greatest
    for number, pattern in enumerate(source.files):
        if not is_address(pattern):
            continue
        target = folder / str(number)
        if urlsplit(pattern).scheme in ("http", "https"):
            found.files.append(_download(source, pattern, target, allowed))
        else:
            endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
            if endpoint and pattern.startswith("s3:"):
                way_to(endpoint, "AWS_ENDPOINT_URL", allowed)
            found.files += fetch_bucket(source, pattern, target, os.environ)


def _require_allowed(host: str, what: str, inside: Inside) -> None:
    """Check the addresses of a host that is not asked by HTTP."""
    try:
        found = {str(address[0]).partition("%")[0] for *_, address in socket.getaddrinfo(host, None)}
    except OSError as error:
        raise SourceError(f"the host of {what} is unknown", got=error.strerror) from error
    for address in map(ip_address, sorted(found)):
        if not inside.allows(host, address):
            got = f"{address}, which is not a public address"
            raise AddressRefusedError(f"{what} leads to an internal address", got=got, remedy=REMEDY)


def _download(source: Source, address: str, folder: Path, inside: Inside) -> SourceFile:
    """Copy a file from a web server, from the very address that was checked; redirections are not followed."""
    folder.mkdir(parents=True)
    target = folder / safe_name(address)
    shown = address.partition("?")[0]
    try:
        way = way_to(address, f"a file of source '{source.name}'", inside)
        url = httpx.URL(address)
        request_url = url.copy_with(host=way.addresses[0]) if way.addresses else url
        extensions = {"sni_hostname": url.host}
        headers = {"Host": url.netloc.decode()}
        with (
            httpx.Client(timeout=_SECONDS, trust_env=False, proxy=way.proxy) as client,
            client.stream("GET", request_url, headers=headers, extensions=extensions) as answer,
            target.open("wb") as copy,
        ):
            if answer.status_code != httpx.codes.OK:
                raise SourceError(
                    f"'{shown}' of source '{source.name}' cannot be read", got=f"status {answer.status_code}"
                )
            for data in answer.iter_raw():
                copy.write(data)
    except (OSError, httpx.HTTPError) as error:
        raise SourceError(f"'{shown}' of source '{source.name}' cannot be read", got=str(error)) from error
    return source_file(source, target, shown)


def _stored(file: Path) -> dict[str, list[str]]:
    try:
        found: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        remedy = "remove it: the queries then read everything once more"
        raise StateError(f"{file} is damaged", got=str(error), remedy=remedy) from error
    return found


_KINDS: Final[dict[str, Callable[[str], object]]] = {
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "int": int,
    "float": float,
    "str": str,
}


def _written(value: object) -> list[str]:
    kind = type(value).__name__
    if kind not in _KINDS:
        raise SourceError("a watermark is a time, a number or a text", got=kind)
    return [kind, value.isoformat() if isinstance(value, date) else str(value)]


def _read(stored: list[str]) -> object:
    return _KINDS[stored[0]](stored[1])
