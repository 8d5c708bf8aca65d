"""A worker process of `nbo serve`, which runs the application and ends when its supervisor does."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from nbo.garbage import collect_seldom

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

    from fastapi import FastAPI

GRACE_SECONDS: Final = 20.0
"""Longer than running requests may take to finish."""

logger = logging.getLogger("nbo.service")


def application() -> FastAPI:
    """Create the application that the environment describes."""
    end_with_supervisor()
    collect_seldom()
    # LightGBM would import it for classes that prediction does not use, which takes an eighth of the start
    sys.modules["sklearn"] = None  # type: ignore[assignment]  # makes `import sklearn` fail
    from wiring.service import application as make  # noqa: PLC0415  takes seconds, in which the supervisor may end

    return make()


def end_with_supervisor() -> None:
    """End this process when its supervisor is gone, however that ended.

    A killed supervisor cannot end its workers: they would continue to answer, keep the port, and miss new champions.
    The system closes the pipe between the two processes; a thread waits for that.
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
