"""What tests share: servers, one of each for a worker, started when the first test asks for one, ended at the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.servers import PostgreSQL, Redis


# the same examples everywhere, and no test that fails because a machine is slow
settings.register_profile("nbo", deadline=None, derandomize=True)
settings.load_profile("nbo")
FLOW_SERVER = "TESTS_FLOW_SERVER"


@pytest.fixture(scope="session", autouse=True)
def _flows_end_at_once() -> Iterator[None]:
    """At its end a flow waits up to a second for its heartbeat."""
    if FLOW_SERVER not in os.environ:  # few tests run, and perhaps none that imports prefect
        yield
        return
    from prefect.settings import temporary_settings

    with temporary_settings({"flows.heartbeat_frequency": None}):
        yield


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    from tests.servers import started_redis

    with started_redis() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    from tests.servers import started_postgresql

    with started_postgresql() as server:
        yield server
