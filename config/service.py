"""Settings of the real-time service, read from the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from config.stores import SettingError
from domain.errors import nearest

SCOPES: Final = ("decide", "listen", "read", "admin")
"""Request decisions; submit events; read customers, decisions and scores; everything."""

METRICS: Final = "NBO_SERVICE_METRICS"
"""Folder in which the workers of a service share their metrics."""

RATES: Final = "NBO_SERVICE_RATES"
"""File in which the workers of a service share rate limits."""

BANK: Final = "NBO_SERVICE_BANK"
CLOCK: Final = "NBO_SERVICE_CLOCK"
"""Variables by which `nbo serve` passes workers the bank's folder and the base of their clocks."""

API_KEYS: Final = "NBO_API_KEYS"
API_KEYS_FILE: Final = "NBO_API_KEYS_FILE"
JWT_KEY: Final = "NBO_JWT_KEY"
JWT_KEY_FILE: Final = "NBO_JWT_KEY_FILE"
JWT_ALGORITHM: Final = "NBO_JWT_ALGORITHM"
JWT_PER_SECOND: Final = "NBO_JWT_PER_SECOND"
ALGORITHMS: Final = ("HS256", "RS256", "ES256", "EdDSA")

COLLECTORS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""Either enables tracing; the first is for traces only, and is used as the complete address."""

PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
TRACES_PROTOCOL: Final = "http/protobuf"

_HEX_DIGITS: Final = 64
_LEAST_SECRET_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key, and what its caller may do.

    Attributes:
        name: Name of the caller in logs and in the audit, without a colon.
        sha256: SHA-256 of the key, 64 hexadecimal digits; the key itself is 32 random bytes, known only to the caller.
        scopes: One or more of `SCOPES`.
        per_second: Average limit on requests, and on events and decisions in batches, per second; None for no limit.
    """

    name: str
    sha256: str
    scopes: tuple[str, ...]
    per_second: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionLimits:
    """Limits of one worker on connections, whoever connects.

    Attributes:
        most: Maximum number of connections (`NBO_MOST_CONNECTIONS`); further ones are refused (503).
        largest_header: Maximum size of request line and headers, in bytes (`NBO_LARGEST_HEADER`); else 431.
        header_seconds: Time within which the headers must arrive (`NBO_HEADER_SECONDS`); else 408.
        body_seconds: Time within which the body must arrive after the headers (`NBO_BODY_SECONDS`); else 408.
        idle_seconds: How long a connection may be idle, or an answer unread (`NBO_IDLE_SECONDS`); must be longer than
            the proxies in front keep idle connections.
    """

    most: int = 1_000
    largest_header: int = 32_768
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    idle_seconds: float = 75.0


@dataclass(frozen=True, kw_only=True)
class ServiceSettings:
    """Settings of `nbo serve`, from the environment.

    Attributes:
        keys: API keys (`NBO_API_KEYS`, JSON; or `NBO_API_KEYS_FILE`, a file with it).
        jwt_key: Secret or public key of bearer tokens (`NBO_JWT_KEY`, or `NBO_JWT_KEY_FILE`); None to accept no tokens.
        jwt_algorithm: Signature algorithm of tokens (`NBO_JWT_ALGORITHM`).
        jwt_per_second: Limit for each subject of tokens, like `per_second` of an API key (`NBO_JWT_PER_SECOND`).
        rates: File in which the workers of one service share rate limits; None to count in this process only.
        most_waiting: Decisions that may wait in one worker; more are rejected (`NBO_MOST_WAITING`).
        largest_body: Maximum size of a request body, in bytes (`NBO_LARGEST_BODY`).
        connections: Limits on connections.
        answer_seconds: Answer deadline, in seconds: if the database is slower, callers are told to retry
            (`NBO_ANSWER_SECONDS`).
        swap_seconds: Interval between checks for changes of the bank's folder and the champions, in seconds
            (`NBO_SWAP_SECONDS`).
        traces: Collector of OpenTelemetry traces (`OTEL_EXPORTER_OTLP_ENDPOINT`, or
            `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`); None for no tracing.
    """

    keys: tuple[ApiKey, ...] = ()
    jwt_key: str | None = field(default=None, repr=False)
    jwt_algorithm: str = "HS256"
    jwt_per_second: float | None = None
    rates: Path | None = None
    most_waiting: int = 64
    largest_body: int = 1_000_000
    connections: ConnectionLimits = field(default_factory=ConnectionLimits)
    answer_seconds: float = 1.5
    swap_seconds: float = 2.0
    traces: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ServiceSettings:
        """Read the settings; unset ones get their default.

        Raises:
            SettingError: A setting is not valid; secrets are never repeated.

        Example:
            >>> ServiceSettings.from_environment({"NBO_MOST_WAITING": "8"}).most_waiting
            8
        """
        keys = value_or_file(environ, API_KEYS, API_KEYS_FILE)
        jwt_key = value_or_file(environ, JWT_KEY, JWT_KEY_FILE)
        algorithm = environ.get(JWT_ALGORITHM) or cls.jwt_algorithm
        if algorithm not in ALGORITHMS:
            raise SettingError(
                f"{JWT_ALGORITHM} is not understood", got=f"'{algorithm}'", expected=nearest(algorithm, ALGORITHMS)
            )
        if jwt_key is not None and algorithm == "HS256" and len(jwt_key.encode()) < _LEAST_SECRET_BYTES:
            raise SettingError(f"{JWT_KEY} is too short", expected=f"{_LEAST_SECRET_BYTES} random bytes or more")
        return cls(
            keys=() if keys is None else _keys(keys),
            jwt_key=jwt_key,
            jwt_algorithm=algorithm,
            jwt_per_second=_number(environ, JWT_PER_SECOND, 0.0, least=0.001) or None,
            rates=Path(environ[RATES]) if environ.get(RATES) else None,
            most_waiting=int(_number(environ, "NBO_MOST_WAITING", cls.most_waiting, least=1)),
            largest_body=int(_number(environ, "NBO_LARGEST_BODY", cls.largest_body, least=1_000)),
            connections=_connections(environ),
            answer_seconds=_number(environ, "NBO_ANSWER_SECONDS", cls.answer_seconds, least=0.1),
            swap_seconds=_number(environ, "NBO_SWAP_SECONDS", cls.swap_seconds, least=0.05),
            traces=collector_of(environ),
        )


def _connections(environ: Mapping[str, str]) -> ConnectionLimits:
    usual = ConnectionLimits()
    return ConnectionLimits(
        most=int(_number(environ, "NBO_MOST_CONNECTIONS", usual.most, least=1)),
        largest_header=int(_number(environ, "NBO_LARGEST_HEADER", usual.largest_header, least=1_000)),
        header_seconds=_number(environ, "NBO_HEADER_SECONDS", usual.header_seconds, least=0.1),
        body_seconds=_number(environ, "NBO_BODY_SECONDS", usual.body_seconds, least=0.1),
        idle_seconds=_number(environ, "NBO_IDLE_SECONDS", usual.idle_seconds, least=0.1),
    )


def collector_of(environ: Mapping[str, str]) -> str | None:
    """Return the address of the trace collector, or None; what disables OpenTelemetry elsewhere disables it here.

    Raises:
        SettingError: It is not an address, or needs another protocol.
    """
    setting = next((name for name in COLLECTORS if environ.get(name)), None)
    off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if setting is None or off or environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none":
        return None
    if not environ[setting].lower().startswith(("http://", "https://")):
        # not repeated: an address may contain a secret
        raise SettingError(f"{setting} is not an address", expected="such as http://collector:4318")
    for name in PROTOCOLS:
        if environ.get(name, TRACES_PROTOCOL) not in {"", TRACES_PROTOCOL}:
            raise SettingError(f"{name} is not supported", got=f"'{environ[name]}'", expected=TRACES_PROTOCOL)
    return environ[setting]


def value_or_file(environ: Mapping[str, str], setting: str, file_setting: str) -> str | None:
    """Return a setting, or the content of the file that another setting names; None if neither is set.

    Raises:
        SettingError: The file cannot be read.
    """
    if environ.get(setting):
        return environ[setting]
    place = environ.get(file_setting)
    if not place:
        return None
    try:
        return Path(place).expanduser().read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingError(
            f"the file that {file_setting} names cannot be read", got=error.strerror or type(error).__name__
        ) from error


def _keys(text: str) -> tuple[ApiKey, ...]:
    try:
        listed = json.loads(text)
    except ValueError:
        raise SettingError(f"{API_KEYS} is not JSON", remedy="`nbo key` writes an entry") from None
    if not isinstance(listed, list):
        raise SettingError(f"{API_KEYS} is not a list", got=type(listed).__name__, remedy="`nbo key` writes an entry")
    keys = tuple(_key(position, entry) for position, entry in enumerate(listed))
    names = [key.name for key in keys]
    for name in names:
        if names.count(name) > 1:
            raise SettingError(f"two entries of {API_KEYS} have the same name", got=f"'{name}'")
    return keys


def _key(position: int, entry: Any) -> ApiKey:
    where = f"entry {position + 1} of {API_KEYS}"
    if not isinstance(entry, dict):
        raise SettingError(f"{where} is not an object", got=type(entry).__name__)
    for name in entry:
        if name not in {"name", "sha256", "scopes", "per_second"}:
            raise SettingError(
                f"{where} has an unknown key",
                got=f"'{name}'",
                expected=nearest(name, ("name", "sha256", "scopes", "per_second")),
            )
    name, digest, scopes = entry.get("name"), entry.get("sha256"), entry.get("scopes")
    if not isinstance(name, str) or not name.strip():
        raise SettingError(f"{where} has no name", expected="the caller's name")
    if ":" in name:  # `token:` and `console:` stand before the names of other callers in the audit
        raise SettingError(f"the name of {where} has a colon", got=f"'{name}'", expected="a name without")
    if not isinstance(digest, str) or len(digest) != _HEX_DIGITS or set(digest) - set("0123456789abcdef"):
        raise SettingError(f"{where} has no hash", expected=f"sha256, {_HEX_DIGITS} hexadecimal digits")
    if not isinstance(scopes, list) or not scopes or not set(map(str, scopes)) <= set(SCOPES):
        raise SettingError(f"{where} has no scopes", got=str(scopes), expected=f"one or more of {', '.join(SCOPES)}")
    per_second = entry.get("per_second")
    if per_second is not None and not (isinstance(per_second, int | float) and per_second > 0):
        raise SettingError(f"{where}: per_second makes no sense", got=str(per_second), expected="a number above 0")
    return ApiKey(name=name, sha256=digest, scopes=tuple(map(str, scopes)), per_second=per_second)


def _number(environ: Mapping[str, str], setting: str, default: float, *, least: float) -> float:
    text = environ.get(setting)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not number >= least:
        raise SettingError(f"{setting} makes no sense", got=f"'{text}'", expected=f"a number of at least {least:g}")
    return number
