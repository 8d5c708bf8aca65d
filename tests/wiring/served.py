"""The service with its real components, answering over HTTP in a thread of this process."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256

import httpx
import uvicorn

from config.service import ApiKey, ServiceSettings
from serving.api.app import create_app
from serving.service.clock import Clock
from tests.ports import HOST
from tests.waiting import SECONDS
from wiring.components import Components
from wiring.service import open_service

KEY = "nbo_a_key_of_tests_that_is_known_to_everybody"
SETTINGS = ServiceSettings(
    keys=(ApiKey(name="tests", sha256=sha256(KEY.encode()).hexdigest(), scopes=("admin",)),),
    swap_seconds=0.2,
    answer_seconds=SECONDS,  # a machine that is slow is none whose database is away
)


@contextmanager
def served(components: Components, start: datetime | None = None) -> Iterator[httpx.Client]:
    """Serve a bank for the length of the block; yield a client with all scopes."""
    app = create_app(lambda: open_service(components, SETTINGS, Clock(start)))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, loop="asyncio"))
    with socket.create_server((HOST, 0)) as listening:
        address = f"http://{HOST}:{listening.getsockname()[1]}"
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the service did not start"
                time.sleep(0.01)
            with httpx.Client(base_url=address, headers={"X-API-Key": KEY}, timeout=30) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()
