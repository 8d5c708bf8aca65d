"""Entry point of `python -m nbo` and the command `nbo`."""

from __future__ import annotations

import os
import sys

from config.settings import Settings
from domain.errors import NboError
from nbo.environment import prepare
from nbo.garbage import collect_seldom
from nbo.scarce import scarce


def main() -> None:
    """Prepare the environment, then hand over to the command line."""
    if sys.platform == "win32":
        sys.exit("nbo runs on Linux and macOS; on Windows use WSL: `wsl --install`, then continue inside it")
    try:
        settings = Settings.from_environment(os.environ)
    except NboError as error:
        from nbo.display import show_error  # noqa: PLC0415  only needed for an invalid variable

        show_error(error)
        sys.exit(1)
    prepare(os.environ, settings)
    collect_seldom()
    # servers, flows and workers inherit it
    os.umask(settings.umask)
    # servers, flow runs and workers start in this folder too, which may contain other packages with nbo's names
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        from nbo.commands import run_command_line  # noqa: PLC0415  libraries read the environment when they are imported
    except (ImportError, MemoryError, SystemError) as error:
        if (shortage := scarce(error)) is None:
            raise
        sys.exit(f"nbo: {shortage}")
    run_command_line()


if __name__ == "__main__":
    main()
