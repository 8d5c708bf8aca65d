"""Opening a bank in a process that is somebody else's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from config.settings import Settings
from nbo.environment import end_telemetry, prepare
from wiring.components import Components, reload_components

_set: Final[dict[str, tuple[str, str | None]]] = {}
"""Variables that were set here, for the home before, and what the user had in their place."""


def parts_below(folder: Path, home: Path | None) -> Components:
    """Prepare the process for a home, and give the parts of a bank that has its state there.

    Raises:
        NboError: A setting or the folder says something that cannot be.
    """
    users = _of_the_user(os.environ)
    environ = users if home is None else {**users, "NBO_HOME": str(home)}
    settings = Settings.from_environment(environ)
    environ = {**environ, "NBO_HOME": str(settings.home)}  # wherever the process goes later
    prepare(environ, settings)
    _set.update({name: (value, users.get(name)) for name, value in environ.items() if users.get(name) != value})
    os.environ.update(environ)
    end_telemetry()
    return reload_components(folder.resolve())


def _of_the_user(environ: Mapping[str, str]) -> dict[str, str]:
    plain: dict[str, str | None] = dict(environ)
    plain |= {name: theirs for name, (ours, theirs) in _set.items() if environ.get(name) == ours}
    return {name: value for name, value in plain.items() if value is not None}
