"""The command line: `nbo --bank banks/demo run`, and a command for each of its steps."""

from __future__ import annotations

import os
import sys

from config.settings import Settings
from domain.errors import NboError, StateError
from events.report import NothingAcceptedError
from nbo import (  # noqa: F401  importing them adds their commands
    bank_commands,
    data_commands,
    model_commands,
    pause_commands,
    proof_commands,
    rollout_commands,
    server_commands,
)
from nbo.app import app
from nbo.display import progress_bars, show_error
from nbo.outcomes import show_first_rows
from nbo.scarce import full_disk, scarce, unwritable
from wiring.progress import showing

__all__ = ["app", "run_command_line"]

INTERRUPTED = 130
"""Exit code after Ctrl-C, by the convention of shells: 128 plus the signal's number."""


def run_command_line(arguments: list[str] | None = None) -> None:
    """Run a command. An `NboError` becomes one sentence and exit code 1, Ctrl-C becomes exit code 130."""
    with showing(progress_bars):
        try:
            app(args=arguments, standalone_mode=True)
        except NboError as error:
            if isinstance(error, NothingAcceptedError):
                show_first_rows(error)
            show_error((_scarce(error) if isinstance(error, StateError) else None) or error)
            sys.exit(1)
        except SystemExit as exit_:
            if exit_.code == INTERRUPTED:  # typer has caught the KeyboardInterrupt
                show_error(NboError("stopped; finished work is kept, and the next run continues from there"))
            raise
        except Exception as error:
            shortage = _scarce(error)
            if shortage is None:
                raise
            # not with rich: there may be no memory for it
            sys.stderr.write(f"nbo: {shortage}\n")
            sys.exit(1)


def _scarce(error: Exception) -> StateError | None:
    home = Settings.from_environment(os.environ).home
    return full_disk(error, home) or unwritable(error, home) or scarce(error)
