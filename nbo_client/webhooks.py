"""Receiving what the bank's contacts are delivered by: is it from the bank, and is it new?"""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Final

SIGNATURE_HEADER: Final = "X-Nbo-Signature"
TOLERANCE_SECONDS: Final = 300
"""As much may the clocks of both sides differ; an older message may be one that somebody recorded."""


def is_genuine(body: bytes, signature: str, secret: str, now: datetime) -> bool:
    """Tell whether a delivery was signed with the secret, not long ago.

    Whoever receives deliveries answers 2xx when all of a delivery's contacts are safe, and passes over contacts whose
    `decision_id` it has had before: a delivery whose answer was lost comes again.

    Args:
        body: As it came, not parsed and written again.
        signature: Value of the header: `t=<seconds since 1970>,v1=<HMAC-SHA256 of "t.body", hexadecimal>`.
        secret: Shared with the bank.
        now: Aware.

    Example:
        >>> from datetime import UTC
        >>> is_genuine(b"{}", "t=5,v1=00", "secret", datetime.fromtimestamp(6, UTC))
        False
    """
    said = dict(part.partition("=")[::2] for part in signature.split(","))
    moment, digest = said.get("t", ""), said.get("v1", "")
    if not (moment.isascii() and moment.isdigit() and digest.isascii()):
        return False
    if abs(now.timestamp() - int(moment)) > TOLERANCE_SECONDS:
        return False
    expected = hmac.new(secret.encode(), moment.encode() + b"." + body, sha256).hexdigest()
    return hmac.compare_digest(expected, digest)
