"""The way of traces to their collector: to addresses that may be sent to, and never on to another."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidURL

from domain.addresses import Inside
from serving.outgoing import COLLECTOR, AddressRefusedError, way_to


class CollectorSession(Session):
    """Sends to a collector.

    Args:
        inside: Addresses inside the bank that may be sent to.
    """

    def __init__(self, inside: Inside) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _LookedAt(inside))

    def get_redirect_target(self, resp: Response) -> str | None:
        """Follow nobody who sends elsewhere."""
        return None


class _LookedAt(HTTPAdapter):
    """Connects to the address that was looked at, as the host that was named."""

    def __init__(self, inside: Inside) -> None:
        super().__init__()
        self._inside = inside

    def send(self, request: PreparedRequest, *more: Any, **named: Any) -> Response:
        """Send a request.

        Raises:
            InvalidURL: Its address leads where nothing is sent to.
            OSError: Nobody answers.
        """
        url = str(request.url)
        try:
            way = way_to(url, COLLECTOR, self._inside)
        except AddressRefusedError as error:
            raise InvalidURL(str(error)) from error
        if way.addresses:
            parts = urlsplit(url)
            address = f"[{way.addresses[0]}]" if ":" in way.addresses[0] else way.addresses[0]
            request.headers["Host"] = parts.netloc
            found = address if parts.port is None else f"{address}:{parts.port}"
            request.url = urlunsplit(parts._replace(netloc=found))
            self._named = str(parts.hostname)
        return super().send(request, *more, **named)

    def build_connection_pool_key_attributes(
        self, request: PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Have the certificate be that of the host that was named."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https" and self._named is not None:
            pool = {**pool, "server_hostname": self._named, "assert_hostname": self._named}
        return host, pool

    _named: str | None = None
    """Of one collector: an exporter sends to no other."""
