"""Who asks, and what they may: API keys and bearer tokens, each with scopes and a rate."""

from __future__ import annotations

import math
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
from serving.api.rates import Rates

KEY_HEADER: Final = "X-API-Key"
_CHALLENGE: Final = {"WWW-Authenticate": 'Bearer realm="nbo"'}
LEEWAY_SECONDS: Final = 30
"""As far may the clock of whoever issues tokens be from ours."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        name: As the audit tells it.
        scopes: What they may; `admin` may everything.
        per_second: Requests, and members of batches, at most, on average; None for no limit.
    """

    name: str
    scopes: frozenset[str]
    per_second: float | None = None

    def may(self, scope: str) -> bool:
        """Tell whether they may."""
        return scope in self.scopes or "admin" in self.scopes


class Callers:
    """Finds out who asks.

    Args:
        settings: With keys and the key of tokens.
        bank: Whose service it is: a token is for one bank, its audience is `nbo:<bank>`.
    """

    def __init__(self, settings: ServiceSettings, bank: str) -> None:
        self._by_digest = {key.sha256: _caller(key) for key in settings.keys}
        self._jwt_key = settings.jwt_key
        self._algorithm = settings.jwt_algorithm
        if self._jwt_key is not None:
            _check_key(self._jwt_key, self._algorithm)
        self._audience = f"nbo:{bank}"
        self._jwt_per_second = settings.jwt_per_second
        self._rates = Rates(settings.rates)

    def of_key(self, key: str) -> Caller:
        """Find the caller of an API key.

        Raises:
            ProblemError: 401.
        """
        # looked up by the hash of a long random text: nothing can be learned from how long that takes
        caller = self._by_digest.get(sha256(key.encode()).hexdigest())
        if caller is None:
            raise _unauthorised("the API key is not known")
        return caller

    def of_token(self, token: str) -> Caller:
        """Find the caller of a bearer token, which may be an API key.

        Raises:
            ProblemError: 401.
        """
        if self._jwt_key is None or token.count(".") != 2:
            return self.of_key(token)
        try:
            said: dict[str, Any] = jwt.decode(
                token,
                self._jwt_key,
                algorithms=[self._algorithm],
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "sub", "aud"]},
            )
        except jwt.InvalidTokenError as error:
            raise _unauthorised("the token is not valid", got=str(error)) from error
        scopes = str(said.get("scope", "")).split()
        try:
            subject = fit_id(said["sub"], "subject")
        except DataError as error:
            raise _unauthorised("the token is not valid", got=error.what) from error
        return Caller(f"token:{subject}", frozenset(scopes) & frozenset(SCOPES), self._jwt_per_second)

    def within_rate(self, caller: Caller) -> None:
        """Count a request of a caller.

        Raises:
            ProblemError: 429, where there were too many.
        """
        if caller.per_second is None:
            return
        wait = self._rates.take(caller.name, caller.per_second)
        if wait > 0:
            raise ProblemError(
                429,
                "too-many",
                "this caller asks too often",
                headers={"Retry-After": str(math.ceil(wait))},
                expected=f"at most {caller.per_second:g} a second of requests, and of what batches hold",
            )

    def charge_batch(self, caller: Caller, members: int) -> None:
        """Count what a request holds beside its first member, which it was counted for: whoever asks next waits."""
        if caller.per_second is not None and members > 1:
            self._rates.charge(caller.name, caller.per_second, members - 1)

    def close(self) -> None:
        """End."""
        self._rates.close()


_KEY = APIKeyHeader(name=KEY_HEADER, auto_error=False, description="An API key, as `nbo key` makes it")
_BEARER = HTTPBearer(auto_error=False, description="An API key, or a JSON web token for this bank")


def authenticated(request: Request) -> Caller:
    """Find out who asks, by the headers alone.

    Raises:
        ProblemError: 401.
    """
    callers: Callers = request.app.state.callers
    key = request.headers.get(KEY_HEADER)
    if key is not None:
        return callers.of_key(key)
    kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not credentials.strip():
        raise _unauthorised("the request says not who asks", expected=f"{KEY_HEADER} or Authorization: Bearer")
    return callers.of_token(credentials.strip())


def allowed(scope: str) -> Callable[..., Caller]:
    """Make a dependency that lets only callers with a scope through."""

    async def check(
        request: Request, key: Annotated[str | None, Security(_KEY)], bearer: Annotated[Any, Security(_BEARER)]
    ) -> Caller:
        callers: Callers = request.app.state.callers
        del key, bearer  # named for OpenAPI
        caller = authenticated(request)
        callers.within_rate(caller)
        if not caller.may(scope):
            raise ProblemError(
                403, "not-allowed", "the caller may not do this", got=_listed(sorted(caller.scopes)), expected=scope
            )
        request.state.caller = caller.name
        return caller

    return check  # type: ignore[return-value]  # FastAPI awaits what the signature says is there


Deciding = Annotated[Caller, Depends(allowed("decide"))]
Listening = Annotated[Caller, Depends(allowed("listen"))]
Reading = Annotated[Caller, Depends(allowed("read"))]
Administering = Annotated[Caller, Depends(allowed("admin"))]


def _check_key(key: str, algorithm: str) -> None:
    """See that tokens can be checked with a key, before anybody comes with one."""
    try:
        get_default_algorithms()[algorithm].prepare_key(key)
    except (jwt.InvalidKeyError, ValueError, TypeError) as error:
        # the words of the error may hold a part of it
        raise SettingError(
            f"{JWT_KEY} is no key for {algorithm}", got=type(error).__name__, expected="a public key in PEM"
        ) from None


def _caller(key: ApiKey) -> Caller:
    return Caller(key.name, frozenset(key.scopes), key.per_second)


def _unauthorised(title: str, **more: Any) -> ProblemError:
    return ProblemError(401, "unauthorised", title, headers=_CHALLENGE, **more)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "no scope"
