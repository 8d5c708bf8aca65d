"""Where in the bank's own network nbo may send what it has to tell."""

from __future__ import annotations

from dataclasses import dataclass

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Network(Spec):
    """The content of `network.yaml`.

    Attributes:
        inside: Hosts, addresses and networks inside the bank that webhooks and collectors of traces may be at, as
            `crm.bank.example`, `127.0.0.1` or `10.20.0.0/16`. Public addresses need no entry, all others do: an address
            that points inward by mistake or by somebody's wish is not sent to. A name allows the private addresses
            that it has, never this machine or link-local ones.
    """

    inside: tuple[str, ...] = ()
