"""Who may see what: roles, permissions, and the person behind a request."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from starlette.requests import Request

from config.console import ROLES
from console.languages import N_
from serving.api.problems import ProblemError


class Permission(StrEnum):
    """What a page asks of the person who opens it."""

    FIGURES = "figures"
    """Counts and rates over many customers."""
    CUSTOMERS = "customers"
    """One customer's data."""
    MODELS = "models"
    """Models, their metrics and gates."""
    OPERATIONS = "operations"
    """State of the service, its flows and its deliveries."""
    PROPOSALS = "proposals"
    """Proposals to change what is offered."""
    PROPOSE = "propose"
    """Make, edit, apply and withdraw proposals."""
    APPROVE = "approve"
    """Approve proposals of others."""
    PAUSE = "pause"
    """Stop an offer, a channel or everything outbound, and let it go on."""
    AUDIENCES = "audiences"
    """Lists of the customers behind a figure, to contact them."""
    PEOPLE = "people"
    """Sign-in links for other people."""


GRANTS: Final[dict[str, frozenset[Permission]]] = {
    "viewer": frozenset({Permission.FIGURES}),
    "adviser": frozenset({Permission.FIGURES, Permission.CUSTOMERS}),
    "marketer": frozenset(
        {
            Permission.FIGURES,
            Permission.MODELS,
            Permission.PROPOSALS,
            Permission.PROPOSE,
            Permission.APPROVE,
            Permission.AUDIENCES,
            Permission.PAUSE,
        }
    ),
    "risk": frozenset(
        {
            Permission.FIGURES,
            Permission.CUSTOMERS,
            Permission.MODELS,
            Permission.OPERATIONS,
            Permission.PROPOSALS,
            Permission.APPROVE,
            Permission.PAUSE,
        }
    ),
    "data_scientist": frozenset({Permission.FIGURES, Permission.MODELS, Permission.OPERATIONS}),
    "admin": frozenset(Permission),
}
"""What each role may see."""

NAME, PERSON_ROLES, UNTIL, TOKEN = "name", "roles", "until", "csrf"
CSRF_FIELD: Final = "csrf"
CSRF_HEADER: Final = "X-CSRF-Token"
_TOKEN_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has signed in.

    Attributes:
        name: Name in the audit.
        roles: Roles, out of `config.console.ROLES`.
    """

    name: str
    roles: frozenset[str]

    def may(self, permission: Permission) -> bool:
        """Whether one of the roles grants a permission.

        Example:
            >>> Person("ann", frozenset({"viewer"})).may(Permission.CUSTOMERS)
            False
        """
        return any(permission in GRANTS[role] for role in self.roles)


class SignInNeededError(Exception):
    """Nobody has signed in, or the session has ended."""


class CrossSiteError(Exception):
    """A change was requested that does not come from a form of the console."""


def sign_in(request: Request, name: str, roles: Iterable[str], hours: float) -> Person:
    """Begin a session; whatever the session held before is forgotten, except language and theme.

    Raises:
        ProblemError: 403 if none of the roles is one of the console's.
    """
    known = sorted(set(roles) & set(ROLES))
    if not known:
        raise ProblemError(403, "no-role", N_("this account has no role in the console"), expected=", ".join(ROLES))
    kept = {key: request.session[key] for key in ("language", "theme") if key in request.session}
    request.session.clear()
    request.session.update(
        kept
        | {
            NAME: name,
            PERSON_ROLES: known,
            UNTIL: int(time.time() + hours * 3600),
            TOKEN: secrets.token_urlsafe(_TOKEN_BYTES),
        }
    )
    return Person(name, frozenset(known))


def sign_out(request: Request) -> None:
    """End the session."""
    request.session.clear()


def person_of(request: Request) -> Person | None:
    """Return who has signed in; None if nobody has, or the session has ended."""
    session = request.session
    if session.get(UNTIL, 0) < time.time():
        return None
    return Person(session[NAME], frozenset(session[PERSON_ROLES]) & set(ROLES))


def needed(request: Request, permission: Permission | None = None) -> Person:
    """Return who has signed in and may do something.

    Raises:
        SignInNeededError: Nobody has signed in.
        ProblemError: 403 if the person may not.
    """
    person = person_of(request)
    if person is None:
        raise SignInNeededError
    if permission is not None and not person.may(permission):
        raise ProblemError(403, "not-allowed", N_("your role does not include this page"), expected=permission.value)
    return person


def csrf_token(request: Request) -> str:
    """Return the token that forms of this session carry; empty before signing in."""
    return str(request.session.get(TOKEN, ""))


async def from_own_form(request: Request) -> dict[str, str]:
    """Read a form, and check that it is one of the console's own.

    Raises:
        CrossSiteError: It has no valid token, or the browser says that another site sent it.
    """
    # browsers say where a request comes from; those that do not are covered by the token
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise CrossSiteError
    async with request.form(max_files=0, max_fields=500) as form:
        fields = {key: value for key, value in form.items() if isinstance(value, str)}
    sent, expected = fields.pop(CSRF_FIELD, request.headers.get(CSRF_HEADER, "")), csrf_token(request)
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise CrossSiteError
    return fields
