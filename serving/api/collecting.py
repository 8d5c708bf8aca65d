"""The HTTP session for exporting traces: connects only to permitted addresses and follows no redirects."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidURL

from domain.addresses import Inside
from serving.outgoing import COLLECTOR, AddressRefusedError, way_to


class CollectorSession(Session):
    """Session for requests to a trace collector.

    Args:
        inside: Permitted addresses inside the bank.
    """

    def __init__(self, inside: Inside) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _CheckedAddresses(inside))

    def get_redirect_target(self, resp: Response) -> str | None:
        """Follow no redirects."""
        return None


class _CheckedAddresses(HTTPAdapter):
    """Connects to the checked address, under the host name of the URL."""

    def __init__(self, inside: Inside) -> None:
        super().__init__()
        self._inside = inside

    def send(self, request: PreparedRequest, *more: Any, **named: Any) -> Response:
        """Send a request.

        Raises:
            InvalidURL: The address is not permitted.
            OSError: The collector does not answer.
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
        """Verify the certificate against the host name of the URL."""
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https" and self._named is not None:
            pool = {**pool, "server_hostname": self._named, "assert_hostname": self._named}
        return host, pool

    _named: str | None = None
    """Host name of the collector: an exporter has only one."""
