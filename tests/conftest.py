"""What tests share: servers, one of each for a worker, started when the first test asks for one, ended at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.servers import PostgreSQL, Redis


# the same examples everywhere, and no test that fails because a machine is slow
settings.register_profile("nbo", deadline=None, derandomize=True)
settings.load_profile("nbo")


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
