"""Which addresses of the network inside a bank may be sent to: public ones need no leave, all others must be named."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address

_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_EMBEDDING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""Addresses of version 4 as those of version 6 (RFC 6052, 4291): whoever translates them sends to the former."""
_THIS_MACHINE: Final = IPv6Address("::1")


def entry_mistake(entry: str) -> str | None:
    """Say what an entry of a list of named addresses should have been; None for a good one.

    Example:
        >>> entry_mistake("crm.bank.example"), entry_mistake("10.20.0.0/16")
        (None, None)
        >>> entry_mistake("localhost")
        'an address of this machine, 127.0.0.1 or ::1'
        >>> entry_mistake("10.20.0.1/16")
        'a network whose address ends in zeros, as 10.20.0.0/16'
    """
    try:
        ip_network(entry)
    except ValueError:
        if "/" in entry:
            return "a network whose address ends in zeros, as 10.20.0.0/16"
    else:
        return None
    name = entry.lower().rstrip(".")
    if name == "localhost":
        return "an address of this machine, 127.0.0.1 or ::1"
    # a number, however it is written, is an address to the system and a name to nobody
    if not _HOST.fullmatch(name) or name.rpartition(".")[2].isdigit() or name.startswith("0x"):
        return "the name of a host, an address or a network, as crm.bank.example or 10.20.0.0/16"
    return None


@dataclass(frozen=True, slots=True)
class Inside:
    """Addresses inside the bank that may be sent to.

    Args:
        entries: Without mistakes. A network or address allows what is in it; the name of a host allows whatever private
            address it has, but neither this machine nor link-local addresses, at which clouds keep their passwords.

    Example:
        >>> from ipaddress import ip_address
        >>> inside = Inside(["crm.bank.example", "127.0.0.1"])
        >>> inside.allows("crm.bank.example", ip_address("10.1.2.3")), inside.allows("other", ip_address("10.1.2.3"))
        (True, False)
        >>> inside.allows("crm.bank.example", ip_address("169.254.169.254"))
        False
        >>> inside.allows("anybody.example", ip_address("203.0.114.7"))
        True
    """

    entries: Sequence[str] = ()

    def names(self, host: str) -> bool:
        """Tell whether a host is named, by its name or its address."""
        said = _plain(host)
        return any(_plain(entry) == said for entry in self.entries)

    def allows(self, host: str, address: Address) -> bool:
        """Tell whether an address that a host has may be sent to."""
        return all(self._allows(host, one) for one in _meant(address))

    def _allows(self, host: str, address: Address) -> bool:
        if is_public(address) or any(_within(address, entry) for entry in self.entries):
            return True
        special = address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
        return self.names(host) and not special and not address.is_reserved


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the public network, and so is every address that it stands for."""
    return all(one.is_global and not one.is_multicast and not _is_old_private(one) for one in _meant(address))


def _is_old_private(address: Address) -> bool:
    return isinstance(address, IPv6Address) and address.is_site_local


def _meant(address: Address) -> Iterator[Address]:
    """List an address, or those of version 4 that it stands for."""
    inner: list[Address | None] = []
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address > _THIS_MACHINE and any(address in network for network in _EMBEDDING):
            inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    found = [one for one in inner if one is not None]
    yield from found or [address]


def _within(address: Address, entry: str) -> bool:
    try:
        return address in ip_network(entry)
    except ValueError:
        return False


def _plain(host: str) -> str:
    return host.lower().rstrip(".").strip("[]")
