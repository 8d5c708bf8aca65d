"""Alarms by e-mail, through an SMTP server that is held to the same addresses as webhooks."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from config.watching import AlarmMail
from domain.addresses import Inside
from domain.health import Reading
from serving.outgoing import AddressRefusedError, checked_addresses
from serving.watching.alarms import Tell

_PORTS: Final = {"smtp": 587, "smtps": 465}


def mail_alarms(settings: AlarmMail, server: str, bank: str, inside: Inside) -> Tell:
    """Return what sends alarms by e-mail.

    Args:
        settings: Sender and recipients.
        server: URL of the SMTP server.
        bank: Name of the bank.
        inside: Permitted addresses inside the bank.
    """

    def tell(due: Sequence[Reading]) -> None:
        message = EmailMessage()
        message["Subject"] = f"{bank}: {len(due)} alarms" if len(due) > 1 else f"{bank}: {due[0].sentence}"
        message["From"], message["To"] = settings.sender, ", ".join(settings.to)
        message.set_content("\n".join(f"{one.check}: {one.sentence}" for one in due))
        with _session(server, settings, inside) as session:
            session.send_message(message)

    return tell


def check_mail_server(server: str, what: str, inside: Inside) -> tuple[str, ...]:
    """Resolve and check a mail server; return the IP addresses to connect to.

    Args:
        server: URL of the server, `smtp://` or `smtps://`; with a user name what is sent is encrypted by STARTTLS.
        what: Name of the URL in errors.
        inside: Permitted addresses inside the bank.

    Raises:
        AddressRefusedError: It is no such URL, leads to an internal address that is not permitted, or to a public one
            unencrypted.
        OSError: The host name cannot be resolved.
    """
    place = _place(server, what)
    unencrypted = None if place.scheme == "smtps" or place.username else place.scheme
    return checked_addresses(str(place.hostname), _port(place), what, inside, unencrypted=unencrypted)


def _session(server: str, settings: AlarmMail, inside: Inside) -> smtplib.SMTP:
    addresses = check_mail_server(server, settings.server, inside)
    place, seconds, trusted = _place(server, settings.server), settings.timeout_seconds, ssl.create_default_context()
    implicit = place.scheme == "smtps"
    session = smtplib.SMTP_SSL(timeout=seconds, context=trusted) if implicit else smtplib.SMTP(timeout=seconds)
    # the connection goes to a checked address, and the certificate must be the host's
    session._host = str(place.hostname)  # type: ignore[attr-defined]
    try:
        session.connect(addresses[0], _port(place))
        if place.username:
            if not implicit:
                session.starttls(context=trusted)
            session.login(unquote(place.username), unquote(place.password or ""))
    except BaseException:
        session.close()
        raise
    return session


def _place(server: str, what: str) -> SplitResult:
    try:
        parts = urlsplit(server)
        usable = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        expected = "smtp://USER:PASSWORD@HOST:PORT or smtps://..."
        raise AddressRefusedError(f"{what} is not a usable address", expected=expected)
    return parts


def _port(place: SplitResult) -> int:
    return place.port or _PORTS[place.scheme]
