"""A replica as a server of its own, to be killed: `python -m tests.serving.service.replica FOLDER PORT [URL]`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import httpx
import uvicorn

from config.service import ApiKey, ServiceSettings
from serving.api.app import create_app
from serving.service.engine_reload import smoke_test
from serving.service.service import Service
from tests.docs.pages import ROOT
from tests.ports import free_port
from tests.servers import QUIET
from tests.serving.api.build import small_service
from tests.waiting import SECONDS, until

KEY = "nbo_a_key_of_tests_that_is_known_to_everybody"


@contextmanager
def replica(folder, url=None) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = free_port()
    command = [sys.executable, "-m", "tests.serving.service.replica", str(folder), str(port), *([url] if url else [])]
    process = subprocess.Popen(command, cwd=ROOT, **QUIET)
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"X-API-Key": KEY}, timeout=SECONDS)
    try:

        def answers() -> bool:
            assert process.poll() is None, "the replica ended"
            with suppress(httpx.TransportError):
                return client.get("/healthz").is_success
            return False

        until(answers)
        yield process, client
    finally:
        client.close()
        process.kill()
        process.wait()


def main() -> None:
    folder, port, *url = sys.argv[1:]
    key = ApiKey(name="tests", sha256=sha256(KEY.encode()).hexdigest(), scopes=("admin",))
    settings = ServiceSettings(keys=(key,))

    def warm() -> Service:
        service = small_service(Path(folder), url=url[0] if url else None, settings=settings)
        smoke_test(service.engine, ["c05"], service.clock.now())
        return service

    app = create_app(warm)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="critical", access_log=False)


if __name__ == "__main__":
    main()
