"""Verification of received webhooks: whether a delivery is from the bank and recent."""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final

SIGNATURE_HEADER: Final = "X-Nbo-Signature"
TOLERANCE_SECONDS: Final = 300
"""Allowed difference between the clocks of both sides; an older message may be a replay."""


def is_genuine(body: bytes, signature: str, secret: str, now: datetime) -> bool:
    """Return whether a delivery was signed with the secret recently.

    A receiver should answer 2xx once all contacts of a delivery are stored safely, and skip contacts whose
    `decision_id` it already has: a delivery whose answer was lost is sent again.

    Args:
        body: The body as received, not parsed and serialised again.
        signature: Value of the header: `t=<seconds since 1970>,v1=<HMAC-SHA256 of "t.body", hexadecimal>`.
        secret: Secret shared with the bank.
        now: Current time, time-zone-aware.

    Example:
        >>> from datetime import UTC
        >>> is_genuine(b"{}", "t=5,v1=00", "secret", datetime.fromtimestamp(6, UTC))
        False
    """
    parts = dict(part.partition("=")[::2] for part in signature.split(","))
    moment, digest = parts.get("t", ""), parts.get("v1", "")
    if not (moment.isascii() and moment.isdigit() and digest.isascii()):
        return False
    if abs(now.timestamp() - int(moment)) > TOLERANCE_SECONDS:
        return False
    expected = hmac.new(secret.encode(), moment.encode() + b"." + body, sha256).hexdigest()
    return hmac.compare_digest(expected, digest)
