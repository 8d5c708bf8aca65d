"""The supervisor of the processes of `nbo serve`, which ends also if a worker does not."""

from __future__ import annotations

import logging
import time

from uvicorn.supervisors import Multiprocess

from nbo.worker import GRACE_SECONDS

logger = logging.getLogger("nbo.service")


class Supervisor(Multiprocess):
    """Starts workers, replaces those that die, and kills those that do not end when asked to.

    A worker that finds no memory while it starts may stay in native code for ever, where no signal reaches it.
    """

    grace_seconds = GRACE_SECONDS

    def join_all(self) -> None:
        """Wait for all workers, which were asked to end, for as long as running requests may take."""
        last = time.monotonic() + self.grace_seconds
        for worker in self.processes:
            worker.process.join(max(0.0, last - time.monotonic()))
            if worker.exitcode is None:
                logger.error("a worker does not end: killing it", extra={"worker": worker.pid})
                worker.process.kill()
                worker.process.join()
