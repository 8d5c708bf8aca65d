"""Opening a bank in a process that nbo did not start, such as a notebook."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config.settings import Settings
from nbo.environment import end_telemetry, prepare
from wiring.components import Components, reload_components

_set: Final[dict[str, tuple[str, str | None]]] = {}
"""Variables that an earlier call set: name -> value set here, and the user's value (None for none)."""


def parts_below(folder: Path, home: Path | None) -> Components:
    """Prepare the process for a home, and return the components of a bank with its state there.

    Raises:
        NboError: A setting or the bank's folder is invalid.
    """
    users = _of_the_user(os.environ)
    environ = users if home is None else {**users, "NBO_HOME": str(home)}
    settings = Settings.from_environment(environ)
    environ = {**environ, "NBO_HOME": str(settings.home)}  # absolute, because the process may change its folder
    prepare(environ, settings)
    _set.update({name: (value, users.get(name)) for name, value in environ.items() if users.get(name) != value})
    os.environ.update(environ)
    end_telemetry()
    return reload_components(folder.resolve())


def _of_the_user(environ: Mapping[str, str]) -> dict[str, str]:
    plain: dict[str, str | None] = dict(environ)
    plain |= {name: users_value for name, (own_value, users_value) in _set.items() if environ.get(name) == own_value}
    return {name: value for name, value in plain.items() if value is not None}
