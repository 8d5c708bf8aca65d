"""The addresses that a bank's settings have something sent to, looked at before anything is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from config.service import collector_of
from domain.addresses import Inside
from serving.outgoing import COLLECTOR, way_to
from wiring.components import Components


def check_addresses(components: Components, environ: Mapping[str, str]) -> None:
    """Look at the addresses that are set here; one that cannot be found now is looked at when it is used.

    Raises:
        AddressRefusedError: One leads where nothing is sent to.
        SettingError: That of the collector of traces is none.
    """
    inside = Inside(components.bank.network.inside)
    for name, url in _addresses(components, environ):
        with suppress(OSError):
            way_to(url, name, inside)


def _addresses(components: Components, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for entry in components.bank.delivery.channels:
        if entry.webhook is not None and environ.get(entry.webhook.url):
            yield entry.webhook.url, environ[entry.webhook.url]
    collector = collector_of(environ)
    if collector is not None:
        yield COLLECTOR, collector
