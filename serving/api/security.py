"""Authentication and authorisation: API keys and bearer tokens, each with scopes and a rate limit."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Final

import jwt
from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPBearer
from jwt.algorithms import get_default_algorithms

from config.service import JWT_KEY, SCOPES, ApiKey, ServiceSettings
from config.stores import SettingError
from domain.errors import DataError
from domain.ids import fit_id
from serving.api.problems import ProblemError
from serving.api.rates import CallerRates

KEY_HEADER: Final = "X-API-Key"
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="nbo"'}
LEEWAY_SECONDS: Final = 30
"""Tolerated difference between the token issuer's clock and ours."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller.

    Attributes:
        name: Name in the audit.
        scopes: Scopes granted; `admin` includes all others.
        per_second: Average limit on requests and batch members per second; None for no limit.
    """

    name: str
    scopes: frozenset[str]
    per_second: float | None = None

    def may(self, scope: str) -> bool:
        """Whether the caller has a scope."""
        return scope in self.scopes or "admin" in self.scopes


class Callers:
    """Authenticates callers and enforces their rate limits.

    Args:
        settings: Settings with the API keys and the key for tokens.
        bank: Name of the bank; a token is valid for one bank, its audience is `nbo:<bank>`.
    """

    def __init__(self, settings: ServiceSettings, bank: str) -> None:
        self._by_digest = {key.sha256: _caller(key) for key in settings.keys}
        self._jwt_key = settings.jwt_key
        self._algorithm = settings.jwt_algorithm
        if self._jwt_key is not None:
            _check_key(self._jwt_key, self._algorithm)
        self._audience = f"nbo:{bank}"
        self._jwt_per_second = settings.jwt_per_second
        self._rates = CallerRates(settings.rates)

    def of_key(self, key: str) -> Caller:
        """Return the caller of an API key.

        Raises:
            ProblemError: 401 if the key is unknown.
        """
        # looked up by the hash of a long random text, so response times reveal nothing
        caller = self._by_digest.get(sha256(key.encode()).hexdigest())
        if caller is None:
            raise _unauthorised("the API key is not known")
        return caller

    def of_token(self, token: str) -> Caller:
        """Return the caller of a bearer token, which may be an API key.

        Raises:
            ProblemError: 401 if the token is not valid.
        """
        if self._jwt_key is None or token.count(".") != 2:
            return self.of_key(token)
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._jwt_key,
                algorithms=[self._algorithm],
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "sub", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise _unauthorised("the token is not valid", got=str(error)) from error
        scopes = str(claims.get("scope", "")).split()
        try:
            subject = fit_id(claims["sub"], "subject")
        except DataError as error:
            raise _unauthorised("the token is not valid", got=error.what) from error
        return Caller(f"token:{subject}", frozenset(scopes) & frozenset(SCOPES), self._jwt_per_second)

    def within_rate(self, caller: Caller) -> None:
        """Count a request against the caller's rate limit.

        Raises:
            ProblemError: 429 if there were too many.
        """
        if caller.per_second is None:
            return
        wait = self._rates.take(caller.name, caller.per_second)
        if wait > 0:
            raise ProblemError(
                429,
                "too-many",
                "this caller sends too many requests",
                headers={"Retry-After": str(math.ceil(wait))},
                expected=f"at most {caller.per_second:g} requests and members of batches per second",
            )

    def charge_batch(self, caller: Caller, members: int) -> None:
        """Count the members of a batch after the first, which the request was counted for; the next request waits."""
        if caller.per_second is not None and members > 1:
            self._rates.charge(caller.name, caller.per_second, members - 1)

    def close(self) -> None:
        """Close the rate limits."""
        self._rates.close()


_KEY = APIKeyHeader(name=KEY_HEADER, auto_error=False, description="An API key, as created by `nbo key`")
_BEARER = HTTPBearer(auto_error=False, description="An API key, or a JSON web token for this bank")


def arrived(request: Request) -> Caller:
    """Return the caller, and count the request against its rate limit the first time that this is asked.

    Only headers are looked at, so that nobody has a body read without a name or beyond a rate.

    Raises:
        ProblemError: 401 if the caller cannot be identified, 429 if there were too many requests.
    """
    known: Caller | None = getattr(request.state, "caller", None)
    if known is not None:
        return known
    callers: Callers = request.app.state.callers
    caller = _authenticated(request, callers)
    callers.within_rate(caller)
    request.state.caller = caller
    return caller


def _authenticated(request: Request, callers: Callers) -> Caller:
    key = request.headers.get(KEY_HEADER)
    if key is not None:
        return callers.of_key(key)
    kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not credentials.strip():
        raise _unauthorised("the request has no credentials", expected=f"{KEY_HEADER} or Authorization: Bearer")
    return callers.of_token(credentials.strip())


def admitted(request: Request, scope: str) -> Caller:
    """Return the caller if it has a scope.

    Raises:
        ProblemError: 401, 403 or 429.
    """
    caller = arrived(request)
    if not caller.may(scope):
        raise ProblemError(
            403, "not-allowed", "the caller may not do this", got=_listed(sorted(caller.scopes)), expected=scope
        )
    return caller


def allowed(scope: str) -> Callable[..., Caller]:
    """Return a dependency that admits only callers with a scope."""

    async def check(
        request: Request, key: Annotated[str | None, Security(_KEY)], bearer: Annotated[Any, Security(_BEARER)]
    ) -> Caller:
        del key, bearer  # declared for OpenAPI
        return admitted(request, scope)

    return check  # type: ignore[return-value]  # FastAPI awaits the result


Deciding = Annotated[Caller, Depends(allowed("decide"))]
Listening = Annotated[Caller, Depends(allowed("listen"))]
Reading = Annotated[Caller, Depends(allowed("read"))]
Administering = Annotated[Caller, Depends(allowed("admin"))]


def _check_key(key: str, algorithm: str) -> None:
    """Check at startup that tokens can be verified with a key."""
    try:
        get_default_algorithms()[algorithm].prepare_key(key)
    except (jwt.InvalidKeyError, ValueError, TypeError) as error:
        # the message of the error may contain part of the key
        raise SettingError(
            f"{JWT_KEY} is not a key for {algorithm}", got=type(error).__name__, expected="a public key in PEM format"
        ) from None


def _caller(key: ApiKey) -> Caller:
    return Caller(key.name, frozenset(key.scopes), key.per_second)


def _unauthorised(title: str, **more: Any) -> ProblemError:
    return ProblemError(401, "unauthorised", title, headers=_CHALLENGE, **more)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "no scope"


def new_key(name: str, scopes: Sequence[str], per_second: float | None = None) -> tuple[str, dict[str, Any]]:
    """Create a key and its entry for `NBO_API_KEYS`, which holds only the hash.

    Example:
        >>> key, entry = new_key("app", ["decide"])
        >>> entry["sha256"] == sha256(key.encode()).hexdigest(), entry["scopes"]
        (True, ['decide'])
    """
    key = f"nbo_{secrets.token_urlsafe(32)}"
    entry: dict[str, Any] = {"name": name, "sha256": sha256(key.encode()).hexdigest(), "scopes": list(scopes)}
    return key, entry if per_second is None else {**entry, "per_second": per_second}
