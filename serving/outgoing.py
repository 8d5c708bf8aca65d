"""Checks addresses from settings before anything is sent to them.

A host name is resolved once, and the checked address is the one connected to: resolved again, it could differ.
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
"""Name of the collector's address in errors."""
REMEDY: Final = "if it is intended, list it under `inside` in network.yaml"


class AddressRefusedError(NboError):
    """Nothing is sent to this address; the message repeats no part of it that may be secret."""


@dataclass(frozen=True, slots=True)
class Way:
    """How to reach an address.

    Attributes:
        addresses: IP addresses to connect to, in order of preference; empty if a proxy resolves the name.
        proxy: Address of the proxy, from the environment; None for a direct connection.
    """

    addresses: tuple[str, ...]
    proxy: str | None = None


def check_form(url: str, what: str) -> SplitResult:
    """Parse a URL and check its form.

    Args:
        url: The URL.
        what: Name of the URL in errors.

    Raises:
        AddressRefusedError: It is not HTTP or HTTPS, has no host, or contains a user name.

    Example:
        >>> check_form("https://crm.bank.example/contacts", "CRM_URL").hostname
        'crm.bank.example'
        >>> check_form("file:///etc/passwd", "CRM_URL")
        Traceback (most recent call last):
        serving.outgoing.AddressRefusedError: CRM_URL is not a usable address: expected https://HOST/...
    """
    expected = "https://HOST/..., or http:// inside the bank"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    # characters that some parsers skip and others keep could lead them to different hosts
    if not usable or any(character <= " " or character in "\\\x7f" for character in url):
        raise AddressRefusedError(f"{what} is not a usable address", expected=expected)
    if "@" in parts.netloc:
        remedy = "put a secret into the path, or use the signature's secret"
        raise AddressRefusedError(f"{what} contains a user name", expected=expected, remedy=remedy)
    return parts


def way_to(url: str, what: str, inside: Inside) -> Way:
    """Resolve a URL and check whether it may be sent to.

    Args:
        url: HTTP or HTTPS URL.
        what: Name of the URL in errors.
        inside: Permitted addresses inside the bank.

    Raises:
        AddressRefusedError: It leads to an internal address that is not permitted, or to a public one unencrypted.
        OSError: The host name cannot be resolved.
    """
    parts = check_form(url, what)
    host = str(parts.hostname)
    proxy = None if proxy_bypass(host) else getproxies().get(parts.scheme) or getproxies().get("all")
    if proxy:
        if not inside.names(host):
            got = "a proxy that resolves names itself"
            raise AddressRefusedError(f"{what} cannot be checked", got=got, expected="a listed host", remedy=REMEDY)
        return Way((), proxy if "://" in proxy else f"http://{proxy}")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Way(checked_addresses(host, port, what, inside, unencrypted="http" if parts.scheme == "http" else None))


def checked_addresses(host: str, port: int, what: str, inside: Inside, *, unencrypted: str | None) -> tuple[str, ...]:
    """Resolve a host and return its IP addresses, each of them checked.

    Args:
        host: Name or address.
        port: Port to connect to.
        what: Name of the address in errors.
        inside: Permitted addresses inside the bank.
        unencrypted: Scheme by which content is sent in the clear, so that no address may be public; None if encrypted.

    Raises:
        AddressRefusedError: One of the addresses is internal and not permitted, or public and sent to unencrypted.
        OSError: The host name cannot be resolved.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = tuple(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))
    for address in map(ip_address, addresses):
        if not inside.allows(host, address):
            got = f"{address}, which is not a public address"
            raise AddressRefusedError(f"{what} leads to an internal address", got=got, remedy=REMEDY)
        if unencrypted is not None and is_public(address):
            got, expected = f"{unencrypted}:// to {address}, which is public", f"{unencrypted}s://"
            raise AddressRefusedError(f"{what} would be sent to unencrypted", got=got, expected=expected)
    return addresses
