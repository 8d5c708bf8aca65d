"""The application: its routes, and what they work with."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from domain.errors import NboError
from serving.api import customers, decisions, events, health, looks, metrics
from serving.api.admission import Admission
from serving.api.metrics import Measured, Metrics
from serving.api.problems import handle_problems
from serving.api.security import Callers
from serving.live.service import Service

VERSION = "1.0"
logger = logging.getLogger("nbo.service")


def create_app(open_service: Callable[[], Service]) -> FastAPI:
    """Make the application; the service is opened when it starts, and closed when it ends.

    Args:
        open_service: Opens it; takes some seconds.
    """
    measured = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            service = open_service()
        except NboError as error:
            logger.error("the service cannot start", extra={"why": str(error)})
            raise
        app.state.service = service
        app.state.callers = Callers(service.settings, service.engine.bank.identity.name)
        app.state.admission = Admission(service.settings.most_waiting)
        app.state.largest_body = service.settings.largest_body
        service.watcher = measured
        try:
            yield
        finally:
            service.close()

    app = FastAPI(
        title="nbo",
        version=VERSION,
        summary="The next best offer, in the moment",
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.metrics = measured
    app.add_middleware(Measured, metrics=measured)
    handle_problems(app)
    for routed in (decisions, events, customers, looks, health, metrics):
        app.include_router(routed.router)
    return app
