"""API keys: random, shown once, stored only as a hash."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from hashlib import sha256
from typing import Any


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
