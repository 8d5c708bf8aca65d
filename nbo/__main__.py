"""`python -m nbo` and the command `nbo`."""

from __future__ import annotations

import os

from config.settings import Settings
from nbo.environment import prepare


def main() -> None:
    """Prepare the environment, then hand over to the command line."""
    prepare(os.environ, Settings.from_environment(os.environ))
    from nbo.commands import run_command_line  # noqa: PLC0415  libraries read the environment when they are imported

    run_command_line()


if __name__ == "__main__":
    main()
