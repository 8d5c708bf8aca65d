"""Delivery by webhook: posts contacts as signed requests to a channel's own system."""

from __future__ import annotations

import asyncio
import hmac
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from typing import Final

import httpx
import orjson

from config.delivery import WebhookTarget
from domain.addresses import Inside
from domain.errors import StateError
from nbo_client.retrying import retry_after_seconds
from serving.delivery.outbox import Contact
from serving.delivery.permission import DeliveryPermission
from serving.delivery.targets import Fate, Sent, told
from serving.outgoing import AddressRefusedError, way_to

SIGNATURE_HEADER: Final = "X-Nbo-Signature"
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
REFUSALS: Final = frozenset({400, 413, 415, 422})
"""Statuses that refuse the content; others may pass: a wrong key gets fixed, a moved address found."""

LONGEST_WAIT: Final = timedelta(hours=1)
LONGEST_ASKED_WAIT: Final = timedelta(days=1)
"""Upper bound on the delay that a channel can ask for."""

_LEASE_MARGIN: Final = timedelta(minutes=1)
_PHASES: Final = ("connect", "read", "write", "pool")


def signature(body: bytes, secret: str, moment: datetime) -> str:
    """Sign a body together with the time of sending, so that a recorded request cannot be replayed later.

    Example:
        >>> signature(b"{}", "secret", datetime.fromtimestamp(1772452800, UTC))[:24]
        't=1772452800,v1=ed27af7d'
    """
    seconds = str(int(moment.timestamp()))
    digest = hmac.new(secret.encode(), seconds.encode() + b"." + body, sha256).hexdigest()
    return f"t={seconds},v1={digest}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts contacts; the channel has them once it answers 2xx. Redirects are not followed.

    Args:
        settings: Batch size, timeout, attempts.
        url: URL to post to.
        secret: Key of the signature.
        bank: Name of the bank, sent to the channel.
        inside: Permitted addresses inside the bank.
        trusted: Certificates, loaded once: loading takes longer than sending a batch.
    """

    settings: WebhookTarget
    url: str = field(repr=False)
    secret: str = field(repr=False)
    bank: str
    inside: Inside = field(default_factory=Inside)
    trusted: ssl.SSLContext = field(default_factory=httpx.create_ssl_context, repr=False)

    @property
    def batch(self) -> int:
        """Contacts per request."""
        return self.settings.batch

    @property
    def at_once(self) -> int:
        """Maximum number of concurrent requests."""
        return self.settings.at_once

    @property
    def attempts(self) -> int:
        """Number of attempts after which a contact becomes a dead letter."""
        return self.settings.attempts

    @property
    def lease(self) -> timedelta:
        """Upper bound on the time to send a batch: all contacts together, then each alone."""
        return timedelta(seconds=self.settings.timeout_seconds) * (self.batch + 1) + _LEASE_MARGIN

    def wait(self, attempts: int) -> timedelta:
        """Return the delay, doubled with each attempt."""
        seconds = self.settings.wait_seconds * 2.0 ** min(attempts - 1, 20)
        return min(LONGEST_WAIT, timedelta(seconds=seconds))

    def recall(self, channel: str, since: datetime, permission: DeliveryPermission, now: datetime) -> int:
        """Do nothing: the channel makes a contact as soon as it has accepted it."""
        return 0

    def send(self, contacts: Sequence[Contact], now: datetime) -> list[Sent]:
        """Post the contacts; if they are refused together, post them one by one, so that a bad one blocks no others."""
        del now  # the receiver compares with its own clock
        return asyncio.run(self._send(contacts))

    async def _send(self, contacts: Sequence[Contact]) -> list[Sent]:
        first = await self._post(contacts)
        if first.fate is not Fate.REFUSED or len(contacts) == 1:
            return [first]
        results: list[Sent] = []
        for place, contact in enumerate(contacts):
            results.append(await self._post([contact]))
            if results[-1].fate is Fate.FAILED:
                rest = contacts[place + 1 :]
                return [*results, Sent(rest, Fate.FAILED, results[-1].reason)] if rest else results
        return results

    async def _post(self, contacts: Sequence[Contact]) -> Sent:
        body = orjson.dumps({"bank": self.bank, "contacts": [told(contact) for contact in contacts]})
        fate, reason, after = await self._post_body(body, "".join(sorted(contact.decision_id for contact in contacts)))
        return Sent(contacts, fate, reason, after)

    def post(self, body: bytes, ids: str) -> None:
        """Post something else than contacts, signed in the same way.

        Args:
            body: JSON.
            ids: What identifies it, for the idempotency key.

        Raises:
            StateError: The receiver does not have it.
        """
        fate, reason, _ = asyncio.run(self._post_body(body, ids))
        if fate is not Fate.HAS_IT:
            raise StateError("the webhook did not take it", got=reason or fate.value)

    async def _post_body(self, body: bytes, ids: str) -> tuple[Fate, str | None, timedelta | None]:
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(body, self.secret, datetime.now(UTC)),
            IDEMPOTENCY_HEADER: blake2b(ids.encode(), digest_size=16).hexdigest(),
        }
        try:
            # the client's own timeouts restart with every byte: a dripping answer would never end
            async with asyncio.timeout(self.settings.timeout_seconds):
                response = await self._answer(body, headers)
        except AddressRefusedError as error:
            return Fate.FAILED, str(error), None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # the message may contain the URL, which may contain a secret
            return Fate.FAILED, f"no answer: {type(error).__name__}", None
        if response.is_success:
            return Fate.HAS_IT, None, None
        reason = f"answered {response.status_code}"
        if response.status_code in REFUSALS:
            return Fate.REFUSED, reason, None
        asked = retry_after_seconds(response, datetime.now(UTC))
        after = None if asked is None else timedelta(seconds=min(asked, LONGEST_ASKED_WAIT.total_seconds()))
        return Fate.FAILED, reason, after

    async def _answer(self, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Post to the first address that accepts a connection; only status and headers of the answer are read."""
        way = await asyncio.to_thread(way_to, self.url, self.settings.url, self.inside)
        url = httpx.URL(self.url)
        for place, host in enumerate(way.addresses or [url.host]):
            # connects to the checked address under the URL's host name, for virtual hosts and the certificate
            request = httpx.Request(
                "POST",
                url.copy_with(host=host),
                headers={"Host": url.netloc.decode(), **headers},
                content=body,
                extensions={"sni_hostname": url.host, "timeout": dict.fromkeys(_PHASES, None)},
            )
            async with httpx.AsyncHTTPTransport(verify=self.trusted, proxy=way.proxy) as transport:
                try:
                    response = await transport.handle_async_request(request)
                except httpx.ConnectError:
                    if place == len(way.addresses) - 1 or way.proxy:
                        raise
                else:
                    await response.aclose()
                    return response
        raise AssertionError("a resolved host has at least one address")
