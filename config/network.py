"""Hosts and networks inside the bank to which nbo may send: `network.yaml`."""

from __future__ import annotations

from dataclasses import dataclass

from domain.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Network(Spec):
    """The content of `network.yaml`.

    Attributes:
        inside: Hosts, addresses and networks inside the bank where webhooks and trace collectors may be, such as
            `crm.bank.example`, `127.0.0.1` or `10.20.0.0/16`. Public addresses need no entry, all others do, so that
            nothing is sent to an address that leads inward by mistake or by attack. A host name permits its private
            addresses, but never this machine or link-local ones.
    """

    inside: tuple[str, ...] = ()
