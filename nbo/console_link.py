"""The console's secret and the link that the commands print first."""

from __future__ import annotations

import os
from pathlib import Path

from config.console import ADDRESS, SECRET, SHOWN, USED_LINKS, ConsoleSettings
from console.links import BASE, sign_in_link


def prepare_console(address: str) -> str | None:
    """Set the console's secret for this process and those it starts, and return the link to the console.

    Without an identity provider, the link signs an administrator in, once. It is returned only to the first command:
    what that one starts writes to log files, where no such link belongs.

    Args:
        address: Address on which the service listens.

    Returns:
        The link; None if the service has no console, or another command shows the link.
    """
    settings = ConsoleSettings.from_environment(os.environ)
    if not settings.enabled or os.environ.get(SHOWN):
        return None
    os.environ[SECRET] = settings.secret
    os.environ[SHOWN] = "1"
    os.environ.setdefault(ADDRESS, address)
    reached = settings.address or address
    if settings.issuer:
        return f"{reached}{BASE}/"
    return sign_in_link(settings.secret, reached, ["admin"], "administrator")


def share_used_links(folder: Path) -> None:
    """Let the workers of a service note used links in a folder, which is created."""
    folder.mkdir()
    os.environ[USED_LINKS] = str(folder)
