"""Which network addresses nbo may send to: public ones always; those inside the bank only if configured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_network
from typing import Final

Address = IPv4Address | IPv6Address

_HOST: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")
_EMBEDDING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""IPv6 networks that embed IPv4 addresses (RFC 6052, 4291); a translator sends to the embedded address."""
_THIS_MACHINE: Final = IPv6Address("::1")


def entry_mistake(entry: str) -> str | None:
    """Say what an entry of the list of allowed addresses should look like; None if the entry is valid.

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
    # the system reads a number, however it is written, as an address; it is never a host name
    if not _HOST.fullmatch(name) or name.rpartition(".")[2].isdigit() or name.startswith("0x"):
        return "the name of a host, an address or a network, as crm.bank.example or 10.20.0.0/16"
    return None


@dataclass(frozen=True, slots=True)
class Inside:
    """Addresses inside the bank that nbo may send to.

    Args:
        entries: Valid entries, see `entry_mistake`. A network or address allows what it contains; a host name allows
            every private address of the host, but not this machine or link-local addresses, at which clouds serve
            credentials.

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
        """Tell whether a host is listed, by its name or its address."""
        plain_host = _plain(host)
        return any(_plain(entry) == plain_host for entry in self.entries)

    def allows(self, host: str, address: Address) -> bool:
        """Tell whether nbo may send to a host at one of its addresses."""
        return all(self._allows(host, target) for target in _meant(address))

    def _allows(self, host: str, address: Address) -> bool:
        if is_public(address) or any(_within(address, entry) for entry in self.entries):
            return True
        special = address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified
        return self.names(host) and not special and not address.is_reserved


def is_public(address: Address) -> bool:
    """Tell whether an address is public, including every IPv4 address embedded in it."""
    return all(
        target.is_global and not target.is_multicast and not _is_old_private(target) for target in _meant(address)
    )


def _is_old_private(address: Address) -> bool:
    return isinstance(address, IPv6Address) and address.is_site_local


def _meant(address: Address) -> Iterator[Address]:
    """Return the IPv4 addresses embedded in an address, or the address itself if there are none."""
    inner: list[Address | None] = []
    if isinstance(address, IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address > _THIS_MACHINE and any(address in network for network in _EMBEDDING):
            inner.append(IPv4Address(int(address) & 0xFFFFFFFF))
    found = [target for target in inner if target is not None]
    yield from found or [address]


def _within(address: Address, entry: str) -> bool:
    try:
        return address in ip_network(entry)
    except ValueError:
        return False


def _plain(host: str) -> str:
    return host.lower().rstrip(".").strip("[]")
