"""Sign-in by OpenID Connect: authorization code with PKCE, state and nonce."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from config.console import ConsoleSettings
from console.languages import N_
from serving.api.problems import ProblemError

if TYPE_CHECKING:
    from authlib.integrations.starlette_client import StarletteOAuth2App

CALLBACK: Final = "/console/sign-in/callback"
_NAMES: Final = ("preferred_username", "email", "sub")
logger = logging.getLogger("nbo.console")


class OpenId:
    """Sends people to the identity provider, and reads what it says of them.

    Args:
        settings: Settings with issuer, client and the claim that lists roles.
    """

    def __init__(self, settings: ConsoleSettings) -> None:
        self._settings = settings
        self._provider: StarletteOAuth2App | None = None

    async def leave(self, request: Request) -> Response:
        """Redirect to the provider.

        Raises:
            ProblemError: 503 if the provider does not answer.
        """
        address = self._settings.address or str(request.base_url).rstrip("/").removesuffix("/console")
        try:
            found: Response = await self._app().authorize_redirect(request, address + CALLBACK)
        except Exception as error:  # the library and its transport raise anything when the provider is away
            raise self._failed(error) from error
        return found

    async def arrive(self, request: Request) -> tuple[str, list[str]]:
        """Check the provider's answer; return the person's name and roles.

        Raises:
            ProblemError: 403 if the answer is not valid.
        """
        from authlib.integrations.base_client.errors import OAuthError  # noqa: PLC0415 - only where it is used
        from joserfc.errors import JoseError  # noqa: PLC0415

        try:
            claims: dict[str, Any] = (await self._app().authorize_access_token(request)).get("userinfo") or {}
        except (OAuthError, JoseError) as error:
            logger.warning("a sign-in failed", extra={"why": type(error).__name__})
            raise ProblemError(403, "sign-in", N_("the identity provider's answer is not valid: try again")) from error
        except Exception as error:
            raise self._failed(error) from error
        name = next((str(claims[key]) for key in _NAMES if claims.get(key)), "")
        if not name:
            raise ProblemError(403, "sign-in", N_("the identity provider does not say who this is"))
        roles = claims.get(self._settings.roles_claim) or ()
        return name, [roles] if isinstance(roles, str) else [str(role) for role in roles]

    def _app(self) -> StarletteOAuth2App:
        if self._provider is None:
            from authlib.integrations.starlette_client import OAuth  # noqa: PLC0415 - services without it do not wait

            self._provider = OAuth().register(
                "nbo",
                client_id=self._settings.client,
                client_secret=self._settings.client_secret,
                server_metadata_url=f"{self._settings.issuer}/.well-known/openid-configuration",
                client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256"},
            )
        return self._provider

    def _failed(self, error: Exception) -> ProblemError:
        logger.error("the identity provider does not answer", extra={"why": type(error).__name__})
        return ProblemError(503, "sign-in", N_("the identity provider does not answer: try again in a moment"))
