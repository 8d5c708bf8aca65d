"""Contacts as signed requests to a channel's own system."""

from __future__ import annotations

import hmac
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256
from typing import Final

import httpx
import orjson

from config.delivery import WebhookTarget
from serving.delivery.outbox import Contact
from serving.delivery.targets import Fate, Sent, told

SIGNATURE_HEADER: Final = "X-Nbo-Signature"
IDEMPOTENCY_HEADER: Final = "Idempotency-Key"
REFUSALS: Final = frozenset({400, 413, 415, 422})
"""Statuses that are about what was sent; all others may pass: a wrong key is mended, a moved address found."""

LONGEST_WAIT: Final = timedelta(hours=1)
_LEASE_MARGIN: Final = timedelta(minutes=1)


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
    """Posts contacts; the channel has them when it answers 2xx.

    Args:
        settings: Batch, timeout, attempts.
        url: Where to.
        secret: Of the signature.
        bank: Its name, which the channel is told.
        trusted: Certificates, read once: reading them takes longer than sending a batch.
    """

    settings: WebhookTarget
    url: str = field(repr=False)
    secret: str = field(repr=False)
    bank: str
    trusted: ssl.SSLContext = field(default_factory=httpx.create_ssl_context, repr=False)

    @property
    def batch(self) -> int:
        """Contacts in one request."""
        return self.settings.batch

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

    def send(self, contacts: Sequence[Contact], now: datetime) -> list[Sent]:
        """Post the contacts; where they are refused together one by one, so that one bad one keeps no other back."""
        del now  # the receiver compares with its own clock
        seconds = self.settings.timeout_seconds
        with httpx.Client(timeout=seconds, follow_redirects=False, verify=self.trusted) as http:
            first = self._post(http, contacts)
            if first.fate is not Fate.REFUSED or len(contacts) == 1:
                return [first]
            results: list[Sent] = []
            for place, contact in enumerate(contacts):
                results.append(self._post(http, [contact]))
                if results[-1].fate is Fate.FAILED:
                    rest = contacts[place + 1 :]
                    return [*results, Sent(rest, Fate.FAILED, results[-1].reason)] if rest else results
            return results

    def _post(self, http: httpx.Client, contacts: Sequence[Contact]) -> Sent:
        body = orjson.dumps({"bank": self.bank, "contacts": [told(contact) for contact in contacts]})
        ids = "".join(sorted(contact.decision_id for contact in contacts))
        headers = {
            "Content-Type": "application/json",
            SIGNATURE_HEADER: signature(body, self.secret, datetime.now(UTC)),
            IDEMPOTENCY_HEADER: blake2b(ids.encode(), digest_size=16).hexdigest(),
        }
        try:
            response = http.post(self.url, content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # its words may hold the address, which may hold a secret
            return Sent(contacts, Fate.FAILED, f"no answer: {type(error).__name__}")
        if response.is_success:
            return Sent(contacts, Fate.HAS_IT)
        reason = f"answered {response.status_code}"
        if response.status_code in REFUSALS:
            return Sent(contacts, Fate.REFUSED, reason)
        said = response.headers.get("retry-after", "")
        after = timedelta(seconds=min(int(said), 86_400)) if said.isascii() and said.isdigit() else None
        return Sent(contacts, Fate.FAILED, reason, after)
