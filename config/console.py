"""Settings of the console, read from the environment."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from config.service import value_or_file
from config.stores import SettingError

ROLES: Final = ("viewer", "adviser", "marketer", "risk", "data_scientist", "admin")
"""Roles of people, as the identity provider names them; one person may have several."""

CONSOLE: Final = "NBO_CONSOLE"
SECRET: Final = "NBO_CONSOLE_SECRET"  # noqa: S105 - a name
SECRET_FILE: Final = "NBO_CONSOLE_SECRET_FILE"  # noqa: S105 - a name
ADDRESS: Final = "NBO_CONSOLE_ADDRESS"
HOURS: Final = "NBO_CONSOLE_HOURS"
ISSUER: Final = "NBO_OIDC_ISSUER"
CLIENT: Final = "NBO_OIDC_CLIENT"
CLIENT_SECRET: Final = "NBO_OIDC_CLIENT_SECRET"  # noqa: S105 - a name
CLIENT_SECRET_FILE: Final = "NBO_OIDC_CLIENT_SECRET_FILE"  # noqa: S105 - a name
ROLES_CLAIM: Final = "NBO_OIDC_ROLES_CLAIM"
USED_LINKS: Final = "NBO_CONSOLE_USED_LINKS"
"""Folder in which the workers of a service note the sign-in links that were used."""

SHOWN: Final = "NBO_CONSOLE_LINK_SHOWN"
"""Set by the command that shows the link, for those it starts."""

MLFLOW: Final = "NBO_CONSOLE_MLFLOW"
PREFECT: Final = "NBO_CONSOLE_PREFECT"

_LEAST_SECRET_BYTES: Final = 32
_OFF: Final = ("off", "0", "false", "no")


@dataclass(frozen=True, kw_only=True)
class ConsoleSettings:
    """Settings of the console of `nbo serve` and `nbo up`, from the environment.

    Attributes:
        enabled: Whether the service has a console (`NBO_CONSOLE`; `off` for none).
        secret: Signs sessions and links (`NBO_CONSOLE_SECRET`, or `NBO_CONSOLE_SECRET_FILE`); by default a new one for
            every start, so that sessions end with it. All replicas need the same one.
        address: Address that people use, such as `https://nbo.bank.example` (`NBO_CONSOLE_ADDRESS`); by default the
            one that the service listens on.
        hours: Length of a session, in hours (`NBO_CONSOLE_HOURS`).
        issuer: OpenID Connect provider (`NBO_OIDC_ISSUER`); by default people sign in by the link that the command
            prints.
        client: The console's id at the provider (`NBO_OIDC_CLIENT`).
        client_secret: Its secret there (`NBO_OIDC_CLIENT_SECRET`, or `NBO_OIDC_CLIENT_SECRET_FILE`).
        roles_claim: Claim of the ID token that lists a person's roles (`NBO_OIDC_ROLES_CLAIM`).
        mlflow: Address of MLflow's pages, for links (`NBO_CONSOLE_MLFLOW`); `nbo up` sets it.
        prefect: Address of Prefect's pages, for links (`NBO_CONSOLE_PREFECT`); `nbo up` sets it.
        used_links: Folder in which the workers note used links; `nbo serve` sets it.
    """

    enabled: bool = True
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    address: str | None = None
    hours: float = 8.0
    issuer: str | None = None
    client: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    roles_claim: str = "roles"
    mlflow: str | None = None
    prefect: str | None = None
    used_links: Path | None = None

    @property
    def is_secure(self) -> bool:
        """Whether people reach the console by HTTPS, so that cookies may demand it."""
        return self.address is not None and self.address.startswith("https://")

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ConsoleSettings:
        """Read the settings; unset ones get their default.

        Raises:
            SettingError: A setting is not valid; secrets are never repeated.

        Example:
            >>> ConsoleSettings.from_environment({"NBO_CONSOLE": "off"}).enabled
            False
        """
        secret = value_or_file(environ, SECRET, SECRET_FILE)
        if secret is not None and len(secret.encode()) < _LEAST_SECRET_BYTES:
            raise SettingError(f"{SECRET} is too short", expected=f"{_LEAST_SECRET_BYTES} random bytes or more")
        issuer, client = environ.get(ISSUER) or None, environ.get(CLIENT) or None
        if issuer is not None and client is None:
            raise SettingError(f"{ISSUER} needs {CLIENT}", expected="the console's id at the provider")
        return cls(
            enabled=environ.get(CONSOLE, "on").strip().lower() not in _OFF,
            secret=secret or secrets.token_urlsafe(32),
            address=_address(environ, ADDRESS),
            hours=_hours(environ),
            issuer=_address(environ, ISSUER),
            client=client,
            client_secret=value_or_file(environ, CLIENT_SECRET, CLIENT_SECRET_FILE),
            roles_claim=environ.get(ROLES_CLAIM) or cls.roles_claim,
            mlflow=_address(environ, MLFLOW),
            prefect=_address(environ, PREFECT),
            used_links=Path(environ[USED_LINKS]) if environ.get(USED_LINKS) else None,
        )


def _address(environ: Mapping[str, str], setting: str) -> str | None:
    text = environ.get(setting)
    if not text:
        return None
    if not text.startswith(("http://", "https://")):
        raise SettingError(f"{setting} is not an address", got=f"'{text}'", expected="such as https://nbo.bank.example")
    return text.rstrip("/")


def _hours(environ: Mapping[str, str]) -> float:
    text = environ.get(HOURS) or "8"
    try:
        hours = float(text)
    except ValueError:
        hours = float("nan")
    if not 0 < hours <= 24:
        raise SettingError(f"{HOURS} makes no sense", got=f"'{text}'", expected="hours, more than 0 and at most 24")
    return hours
