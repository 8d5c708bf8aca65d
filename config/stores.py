"""The online store and the decision log, read from two settings of the environment."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from domain.errors import NboError, nearest

ONLINE_STORE: Final = "NBO_ONLINE_STORE"
DECISION_LOG: Final = "NBO_DECISION_LOG"
EMBEDDED: Final = "sqlite"
SECONDS_TO_CONNECT: Final = 5
SECONDS_TO_ANSWER: Final = 10
"""Time limit for Redis; the total wait is twice as long, because a failed read is repeated once."""

_POSTGRES_STORE = "features.store.postgres.PostgreSQLOnlineStore"
# name in the URL, as in libpq -> name in Feast's settings
_POSTGRES_OPTIONS = {
    "sslmode": "sslmode",
    "sslkey": "sslkey_path",
    "sslcert": "sslcert_path",
    "sslrootcert": "sslrootcert_path",
    "schema": "db_schema",
    "connect_timeout": "connect_timeout_seconds",
    "answer_timeout": "answer_timeout_seconds",
    "keepalives_idle": "keepalives_idle",
}
# options of redis-py; those of the connection are passed on unchanged
_REDIS_OPTIONS = (
    "socket_timeout",
    "socket_connect_timeout",
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
    "ssl_cert_reqs",
    "max_connections",
)
_NUMBERS = frozenset(
    {"connect_timeout_seconds", "answer_timeout_seconds", "keepalives_idle", "socket_timeout"}
    | {"socket_connect_timeout", "max_connections"}
)


class SettingError(NboError):
    """A setting of the environment is not valid; passwords are never repeated."""


@dataclass(frozen=True, slots=True)
class OnlineStore:
    """Store of customers' states for single reads.

    Attributes:
        shown: Its address without the password, for display.

    Example:
        >>> OnlineStore.read("redis://:secret@cache.bank.example/2")
        OnlineStore(shown='redis://:***@cache.bank.example:6379/2')
        >>> OnlineStore.read("").feast_settings() is None
        True
    """

    shown: str
    _settings: str = field(repr=False)

    @classmethod
    def read(cls, text: str) -> OnlineStore:
        """Parse `NBO_ONLINE_STORE`: empty or `sqlite`, a URL, or a JSON object with Feast's settings.

        Raises:
            SettingError: It is none of them, or has an invalid part.
        """
        text = text.strip()
        if text in {"", EMBEDDED}:
            return cls(EMBEDDED, "")
        if text.startswith("{"):
            settings = _with_defaults(_json_object(text))
            return cls(str(settings["type"]), json.dumps(settings))
        url = _Url.read(ONLINE_STORE, text, tuple(_READERS))
        return cls(url.shown, json.dumps(_with_defaults(_READERS[url.scheme](url))))

    def feast_settings(self) -> dict[str, Any] | None:
        """Return Feast's settings, including the password; None for the embedded store."""
        settings: dict[str, Any] | None = json.loads(self._settings) if self._settings else None
        return settings


@dataclass(frozen=True, slots=True)
class DecisionLogPlace:
    """Database of single decisions.

    Attributes:
        shown: Its address without the password, for display.

    Example:
        >>> place = DecisionLogPlace.read("postgresql://nbo:secret@db.bank.example/decisions_{bank}")
        >>> place.shown
        'postgresql+psycopg://nbo:***@db.bank.example:5432/decisions_{bank}'
        >>> DecisionLogPlace.read("sqlite:////srv/nbo/{bank}.db").url("demo")
        'sqlite:////srv/nbo/demo.db'
    """

    shown: str
    _url: str = field(repr=False)

    @classmethod
    def read(cls, text: str) -> DecisionLogPlace:
        """Parse `NBO_DECISION_LOG`: empty or `sqlite`, `sqlite:///path`, or `postgresql://...`.

        Raises:
            SettingError: It is none of them.
        """
        text = text.strip()
        if text in {"", EMBEDDED}:
            return cls(EMBEDDED, "")
        if text.startswith("sqlite:///") and len(text) > len("sqlite:///"):
            return cls(text, text)
        url = _Url.read(DECISION_LOG, text, ("postgresql", "postgresql+psycopg"))
        url.name_needed()
        defaults = {"sslmode": "require", "connect_timeout": str(SECONDS_TO_CONNECT)}
        present = {name for name, _ in parse_qsl(url.parts.query)}
        query = [url.parts.query] if url.parts.query else []
        query += [f"{name}={value}" for name, value in defaults.items() if name not in present]
        whole = url.parts._replace(scheme="postgresql+psycopg", query="&".join(query)).geturl()
        return cls(url.shown.replace("postgresql://", "postgresql+psycopg://"), whole)

    def url(self, bank: str) -> str | None:
        """Return SQLAlchemy's URL of a bank's log, including the password; None for the embedded one."""
        return self._url.replace("{bank}", bank) or None


@dataclass(frozen=True, slots=True)
class _Url:
    setting: str
    parts: SplitResult = field(repr=False)
    host: str
    port: int

    @classmethod
    def read(cls, setting: str, text: str, schemes: tuple[str, ...]) -> _Url:
        scheme, separator, _ = text.partition("://")
        if not separator or scheme not in schemes:
            # the part before :// is no secret, but a text without it may be one
            raise SettingError(
                f"{setting} is not understood",
                got=f"'{scheme}://...'" if separator else "something without ://",
                expected=nearest(scheme, schemes) if separator else f"{EMBEDDED} or {' or '.join(schemes)}://...",
                remedy="docs/guides/stores.md has examples",
            )
        try:
            parts = urlsplit(text)
            port = parts.port or (6379 if scheme.startswith("redis") else 5432)
            host = parts.hostname or ""
        except ValueError:  # its message may contain part of the password
            raise _no_place(setting) from None
        if not host or ":" in host or "," in parts.netloc.rpartition("@")[2]:
            raise _no_place(setting)
        return cls(setting, parts, host, port)

    @property
    def scheme(self) -> str:
        return self.parts.scheme

    @property
    def user(self) -> str:
        return unquote(self.parts.username or "")

    @property
    def password(self) -> str:
        return unquote(self.parts.password or "")

    @property
    def name(self) -> str:
        """Name of the database."""
        return unquote(self.parts.path.removeprefix("/"))

    @property
    def shown(self) -> str:
        who = self.parts.username or ""
        if self.parts.password:
            who += ":***"
        return f"{self.scheme}://{who}{'@' if who else ''}{self.host}:{self.port}{self.parts.path}"

    def name_needed(self) -> None:
        for what, value in (("a user", self.user), ("a database", self.name)):
            if not value:
                raise SettingError(
                    f"{self.setting} has no {what.removeprefix('a ')}",
                    got=self.shown,
                    expected=f"{self.scheme}://user:password@host:port/database",
                )

    def options(self, known: Mapping[str, str]) -> dict[str, Any]:
        """Return the query's options, with Feast's names."""
        options: dict[str, Any] = {}
        for name, value in parse_qsl(self.parts.query, keep_blank_values=True):
            if name not in known:
                raise SettingError(
                    f"{self.setting} has an unknown option", got=f"'{name}'", expected=nearest(name, known)
                )
            number = known[name] in _NUMBERS or name == "key_ttl_seconds"
            if number and not (value.isdigit() and int(value)):
                raise SettingError(f"{self.setting}: {name} is not a number", got=f"'{value}'", expected="1 or more")
            options[known[name]] = int(value) if number else value
        return options


def _no_place(setting: str) -> SettingError:
    return SettingError(
        f"{setting} is not a valid address",
        expected="scheme://user:password@host:port/database, one host by name or IPv4 address",
        remedy="write special characters of user and password as %XX; several hosts need the JSON form",
    )


def _redis(url: _Url) -> dict[str, Any]:
    if not (url.name or "0").isdigit():
        raise SettingError(f"{ONLINE_STORE}: a Redis database is a number", got=f"'{url.name}'", expected="0 to 15")
    options = url.options({name: name for name in (*_REDIS_OPTIONS, "key_ttl_seconds")})
    lifetime = options.pop("key_ttl_seconds", None)
    options |= {"db": int(url.name or 0)}
    options |= {"ssl": True} if url.scheme == "rediss" else {}
    options |= {"username": url.user} if url.user else {}
    options |= {"password": url.password} if url.password else {}
    words = [f"{url.host}:{url.port}", *(f"{name}={_redis_word(value)}" for name, value in options.items())]
    settings: dict[str, Any] = {"type": "redis", "connection_string": ",".join(words)}
    return settings if lifetime is None else {**settings, "key_ttl_seconds": lifetime}


def _redis_word(value: object) -> str:
    """Encode a value so that Feast, which splits at commas and parses JSON, reads back the same value."""
    return json.dumps(value).replace(",", "\\u002c")


def _postgres(url: _Url) -> dict[str, Any]:
    url.name_needed()
    return {
        "type": "postgres",
        "host": url.host,
        "port": url.port,
        "database": url.name,
        "user": url.user,
        "password": url.password,
        **url.options(_POSTGRES_OPTIONS),
    }


_READERS: Final[Mapping[str, Callable[[_Url], dict[str, Any]]]] = {
    "redis": _redis,
    "rediss": _redis,
    "postgresql": _postgres,
}


def _json_object(text: str) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingError(
            f"{ONLINE_STORE} is not JSON", got=f"{error.msg} at character {error.pos + 1}"
        ) from None  # the error itself contains the text
    if not isinstance(settings, dict) or not isinstance(settings.get("type"), str):
        raise SettingError(
            f"{ONLINE_STORE} has no type",
            expected='{"type": "redis", ...} with the settings of Feast\'s online store',
        )
    return settings


def _with_defaults(settings: dict[str, Any]) -> dict[str, Any]:
    """Add defaults that make stores behave alike: bounded waits, and immediate writes."""
    if settings["type"] == "postgres":
        return {"connect_timeout_seconds": SECONDS_TO_CONNECT, **settings, "type": _POSTGRES_STORE}
    if settings["type"] == "redis":
        place = str(settings.get("connection_string", "localhost:6379"))
        waits = {
            "socket_connect_timeout": SECONDS_TO_CONNECT,
            "socket_timeout": SECONDS_TO_ANSWER,
            "retry": None,  # redis-py's default would retry for half a minute
        }
        missing = [f"{name}={_redis_word(value)}" for name, value in waits.items() if f",{name}=" not in place]
        return {"skip_dedup": True, **settings, "connection_string": ",".join([place, *missing])}
    return settings
