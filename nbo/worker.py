"""A worker of `nbo serve`: the application in a process that does not outlive its supervisor."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from fastapi import FastAPI

GRACE_SECONDS: Final = 20.0
"""Longer than requests that have begun may take to end."""

logger = logging.getLogger("nbo.service")


def application() -> FastAPI:
    """Make the application that the environment describes."""
    end_with_supervisor()
    from wiring.service import application as make  # noqa: PLC0415  takes seconds, in which the supervisor may end, too

    return make()


def end_with_supervisor() -> None:
    """Have this process end when the one that started it is gone, however that ended.

    What was killed cannot end what it started: its workers would go on answering, keep the port, and stay as they are
    when the champions change. The system closes the pipe between the two; a thread waits for that.
    """
    supervisor = multiprocessing.parent_process()
    assert supervisor is not None, "a worker is started by a supervisor"
    threading.Thread(target=_end_after, args=(supervisor,), name="supervisor", daemon=True).start()


def _end_after(supervisor: BaseProcess) -> None:
    supervisor.join()
    logger.error("the supervisor is gone: ending")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os._exit(1)
