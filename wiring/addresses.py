"""Checks the addresses that a bank's settings send something to, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from config.service import collector_of
from domain.addresses import Inside
from serving.outgoing import COLLECTOR, way_to
from serving.watching.mail import check_mail_server
from wiring.components import Components


def check_addresses(components: Components, environ: Mapping[str, str]) -> None:
    """Check the configured addresses; an address that cannot be resolved now is checked when it is used.

    Raises:
        AddressRefusedError: Nothing may be sent to one of them.
        SettingError: The trace collector's address is not a URL.
    """
    inside = Inside(components.bank.network.inside)
    for name, url in _addresses(components, environ):
        with suppress(OSError):
            way_to(url, name, inside)
    mail = components.bank.watching.mail
    if mail is not None and environ.get(mail.server):
        with suppress(OSError):
            check_mail_server(environ[mail.server], mail.server, inside)


def _addresses(components: Components, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    webhooks = [components.bank.watching.webhook, *(one.webhook for one in components.bank.delivery.channels)]
    for webhook in webhooks:
        if webhook is not None and environ.get(webhook.url):
            yield webhook.url, environ[webhook.url]
    collector = collector_of(environ)
    if collector is not None:
        yield COLLECTOR, collector
