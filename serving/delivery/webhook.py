"""Contacts as signed requests to a channel's own system."""

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
from nbo_client.retrying import retry_after_seconds
from serving.delivery.outbox import Contact
from serving.delivery.permission import Permission
from serving.delivery.targets import Fate, Sent, told
from serving.outgoing import AddressRefusedError, way_to

SIGNATURE_HEADER: Final = "X-Nbo-Signature"
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
REFUSALS: Final = frozenset({400, 413, 415, 422})
"""Statuses that are about what was sent; all others may pass: a wrong key is mended, a moved address found."""

LONGEST_WAIT: Final = timedelta(hours=1)
LONGEST_ASKED_WAIT: Final = timedelta(days=1)
"""A channel that asks for a longer one is tried again after this one."""

_LEASE_MARGIN: Final = timedelta(minutes=1)
_PHASES: Final = ("connect", "read", "write", "pool")


def signature(body: bytes, secret: str, moment: datetime) -> str:
    """Sign a body with the moment of sending, so that a recorded request cannot be played again later.

    Example:
        >>> signature(b"{}", "secret", datetime.fromtimestamp(1772452800, UTC))[:24]
        't=1772452800,v1=ed27af7d'
    """
    seconds = str(int(moment.timestamp()))
    digest = hmac.new(secret.encode(), seconds.encode() + b"." + body, sha256).hexdigest()
    return f"t={seconds},v1={digest}"


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts contacts; the channel has them when it answers 2xx. An answer that sends elsewhere is not followed.

    Args:
        settings: Batch, timeout, attempts.
        url: Where to.
        secret: Of the signature.
        bank: Its name, which the channel is told.
        inside: Addresses inside the bank that may be posted to.
        trusted: Certificates, read once: reading them takes longer than sending a batch.
    """

    settings: WebhookTarget
    url: str = field(repr=False)
    secret: str = field(repr=False)
    bank: str
    inside: Inside = field(default_factory=Inside)
    trusted: ssl.SSLContext = field(default_factory=httpx.create_ssl_context, repr=False)

    @property
    def batch(self) -> int:
        """Contacts in one request."""
        return self.settings.batch

    @property
    def at_once(self) -> int:
        """Requests at the same time."""
        return self.settings.at_once

    @property
    def attempts(self) -> int:
        """After so many a contact is a dead letter."""
        return self.settings.attempts

    @property
    def lease(self) -> timedelta:
        """Each contact may have to be sent alone, after all together."""
        return timedelta(seconds=self.settings.timeout_seconds) * (self.batch + 1) + _LEASE_MARGIN

    def wait(self, attempts: int) -> timedelta:
        """Double the wait with each attempt."""
        seconds = self.settings.wait_seconds * 2.0 ** min(attempts - 1, 20)
        return min(LONGEST_WAIT, timedelta(seconds=seconds))

    def recall(self, channel: str, since: datetime, permission: Permission, now: datetime) -> int:
        """Nothing: what was posted and answered is made at once."""
        return 0

    def send(self, contacts: Sequence[Contact], now: datetime) -> list[Sent]:
        """Post the contacts; where they are refused together one by one, so that one bad one keeps no other back."""
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
        ids = "".join(sorted(contact.decision_id for contact in contacts))
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(body, self.secret, datetime.now(UTC)),
            IDEMPOTENCY_HEADER: blake2b(ids.encode(), digest_size=16).hexdigest(),
        }
        try:
            # the client's own timeouts begin anew with every byte: an answer that drips would never end
            async with asyncio.timeout(self.settings.timeout_seconds):
                response = await self._answer(body, headers)
        except AddressRefusedError as error:
            return Sent(contacts, Fate.FAILED, str(error))
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            # its words may hold the address, which may hold a secret
            return Sent(contacts, Fate.FAILED, f"no answer: {type(error).__name__}")
        if response.is_success:
            return Sent(contacts, Fate.HAS_IT)
        reason = f"answered {response.status_code}"
        if response.status_code in REFUSALS:
            return Sent(contacts, Fate.REFUSED, reason)
        asked = retry_after_seconds(response, datetime.now(UTC))
        after = None if asked is None else timedelta(seconds=min(asked, LONGEST_ASKED_WAIT.total_seconds()))
        return Sent(contacts, Fate.FAILED, reason, after)

    async def _answer(self, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Post to the first address that can be connected to; of the answer only status and headers are read."""
        way = await asyncio.to_thread(way_to, self.url, self.settings.url, self.inside)
        url = httpx.URL(self.url)
        for place, host in enumerate(way.addresses or [url.host]):
            # by the address that was looked at, as the host that was named: for its virtual hosts and its certificate
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
        raise AssertionError("an address that is found is one at least")
