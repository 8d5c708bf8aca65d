"""Whom nbo sends something to by an address that a setting gives: looked at before anything is sent.

What a name stands for is asked once, looked at, and connected to: asked a second time it could be another address.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from domain.addresses import Inside, is_public
from domain.errors import NboError

COLLECTOR: Final = "the collector's address"
"""As errors call it."""
REMEDY: Final = "name it under `inside` in network.yaml, if it is meant"


class AddressRefusedError(NboError):
    """An address that nothing is sent to; no part of it that may be secret is repeated."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to get to where an address leads.

    Attributes:
        addresses: That may be connected to, the first first; none where a proxy finds them.
        proxy: Its address, of the environment's settings; None for none.
    """

    addresses: tuple[str, ...]
    proxy: str | None = None


def check_form(url: str, what: str) -> SplitResult:
    """Take an address apart.

    Args:
        url: The address.
        what: As errors call it.

    Raises:
        AddressRefusedError: It is none of HTTP, names nobody, or names a user.

    Example:
        >>> check_form("https://crm.bank.example/contacts", "CRM_URL").hostname
        'crm.bank.example'
        >>> check_form("file:///etc/passwd", "CRM_URL")
        Traceback (most recent call last):
        serving.outgoing.AddressRefusedError: CRM_URL is no address that can be sent to: expected https://HOST/...
    """
    expected = "https://HOST/..., or http:// inside the bank"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    # what some parsers pass over and others do not may lead two of them to different hosts
    if not usable or any(character <= " " or character in "\\\x7f" for character in url):
        raise AddressRefusedError(f"{what} is no address that can be sent to", expected=expected)
    if "@" in parts.netloc:
        remedy = "a secret of its own belongs into the path, or is the signature's"
        raise AddressRefusedError(f"{what} has a user's name in it", expected=expected, remedy=remedy)
    return parts


def way_to(url: str, what: str, inside: Inside) -> Way:
    """Find out where an address leads now, and whether it may be sent to.

    Args:
        url: Of HTTP.
        what: As errors call it.
        inside: What is named.

    Raises:
        AddressRefusedError: It leads inside, to what nobody named, or would go to the public network unencrypted.
        OSError: Its host's name cannot be found.
    """
    parts = check_form(url, what)
    host = str(parts.hostname)
    proxy = None if proxy_bypass(host) else getproxies().get(parts.scheme) or getproxies().get("all")
    if proxy:
        if not inside.names(host):
            got = "a proxy, which finds addresses by itself"
            raise AddressRefusedError(f"{what} cannot be looked at", got=got, expected="a host named", remedy=REMEDY)
        return Way((), proxy if "://" in proxy else f"http://{proxy}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = tuple(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))
    for address in map(ip_address, addresses):
        if not inside.allows(host, address):
            got = f"{address}, which is not a public address"
            raise AddressRefusedError(f"{what} leads inside", got=got, remedy=REMEDY)
        if parts.scheme == "http" and is_public(address):
            got = f"http:// to {address}, which is public"
            raise AddressRefusedError(f"{what} would be sent to in the clear", got=got, expected="https://")
    return Way(addresses)
