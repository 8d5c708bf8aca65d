"""Links of the console: those by which people sign in once, and those that name a customer to nobody else."""

from __future__ import annotations

import base64
import json
import os
import secrets
import unicodedata
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from itsdangerous import BadData, URLSafeTimedSerializer

from domain.errors import DataError

BASE: Final = "/console"
LINK_HOURS: Final = 12
LONGEST_NAME: Final = 60
_SIGN_IN: Final = "nbo console sign-in"
_CUSTOMER: Final = b"nbo console customer "


def sign_in_link(secret: str, address: str, roles: Sequence[str], name: str) -> str:
    """Return a link that signs somebody in once, within `LINK_HOURS`.

    Args:
        secret: The console's secret.
        address: Address of the service.
        roles: Roles that the person gets.
        name: Name of the person: two links with one name are one person, who cannot approve what the other proposed.
    """
    content = {"roles": list(roles), "name": person_name(name), "id": secrets.token_urlsafe(12)}
    return f"{address}{BASE}/enter/{URLSafeTimedSerializer(secret, _SIGN_IN).dumps(content)}"


def person_name(text: str) -> str:
    """Return a person's name as it counts: one spelling for all ways to write it.

    Raises:
        DataError: It is empty, or longer than `LONGEST_NAME`.

    Example:
        >>> person_name(" Anna  LI ") == person_name("anna li")
        True
    """
    name = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise DataError(
            "a sign-in link names one person", got=f"'{text[:LONGEST_NAME]}'", expected="a name such as anna.li"
        )
    return name


class SignInLinks:
    """Accepts each sign-in link once.

    Args:
        secret: The console's secret.
        used: Folder in which the workers of a service note used links; None for a process alone.
    """

    def __init__(self, secret: str, used: Path | None) -> None:
        self._serializer = URLSafeTimedSerializer(secret, _SIGN_IN)
        self._used = used
        self._used_here: set[str] = set()

    def take(self, token: str) -> tuple[str, list[str]] | None:
        """Return name and roles of a link; None if it is not valid, is too old or was used."""
        try:
            content = self._serializer.loads(token, max_age=LINK_HOURS * 3600)
        except BadData:
            return None
        identifier = str(content["id"])
        if not self._is_first(identifier):
            return None
        return str(content["name"]), list(content["roles"])

    def _is_first(self, identifier: str) -> bool:
        if self._used is None:
            first = identifier not in self._used_here
            self._used_here.add(identifier)
            return first
        mark = self._used / sha256(identifier.encode()).hexdigest()
        try:
            # of several workers, one creates it
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        return True


class CustomerLinks:
    """Names customers in addresses by encrypted tokens, each for one person.

    Args:
        secret: The console's secret.
        hours: How long a token is valid.
    """

    def __init__(self, secret: str, hours: float) -> None:
        self._cipher = Fernet(base64.urlsafe_b64encode(sha256(_CUSTOMER + secret.encode()).digest()))
        self._seconds = int(hours * 3600)

    def token(self, customer_id: str, person: str) -> str:
        """Return a token for a customer.

        Example:
            >>> links = CustomerLinks("a secret", 8)
            >>> token = links.token("C1", "ann")
            >>> links.customer(token, "ann"), links.customer(token, "bob"), links.token("C1", "ann") == token
            ('C1', None, False)
        """
        return self._cipher.encrypt(json.dumps([person, customer_id]).encode()).decode()

    def customer(self, token: str, person: str) -> str | None:
        """Return the customer of a token; None if it is not this person's, or too old."""
        try:
            owner, customer_id = json.loads(self._cipher.decrypt(token.encode(), ttl=self._seconds))
        except (InvalidToken, ValueError, UnicodeError):
            return None
        return str(customer_id) if owner == person else None
