"""A replica as a server of its own, to be killed: `python -m tests.serving.live.replica FOLDER PORT [URL]`."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import uvicorn

from config.service import ApiKey, ServiceSettings
from serving.api.app import create_app
from tests.serving.api.build import small_service

KEY = "nbo_a_key_of_tests_that_is_known_to_everybody"


def main() -> None:
    folder, port, *url = sys.argv[1:]
    key = ApiKey(name="tests", sha256=sha256(KEY.encode()).hexdigest(), scopes=("admin",))
    settings = ServiceSettings(keys=(key,))
    app = create_app(lambda: small_service(Path(folder), url=url[0] if url else None, settings=settings))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="critical", access_log=False)


if __name__ == "__main__":
    main()
