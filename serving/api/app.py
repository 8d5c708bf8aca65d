"""The application: its routes, and what they work with."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from fastapi import FastAPI

from domain.errors import NboError
from serving.api import customers, decisions, events, health, looks, metrics
from serving.api.admission import Admission
from serving.api.metrics import Measured, Metrics
from serving.api.problems import handle_problems
from serving.api.security import Callers
from serving.api.unkept import Unkept
from serving.service.service import Service

if TYPE_CHECKING:  # whoever is not traced loads nothing of it
    from serving.api.tracing import Tracing

VERSION = "1.0"
COLLECT_AFTER: Final = (20_000, 20, 20)
"""Objects made before the collector looks at the youngest; a decision makes some thousands, and drops them itself."""
logger = logging.getLogger("nbo.service")


def settle() -> None:
    """Keep the collector of garbage from looking at what stays: its pauses would be decisions' longest waits."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def create_app(open_service: Callable[[], Service], tracing: Tracing | None = None) -> FastAPI:
    """Make the application; the service is opened when it starts, and closed when it ends.

    Args:
        open_service: Opens it; takes some seconds.
        tracing: Where spans of requests go, and of their steps; None for nowhere.
    """
    measured = Metrics()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            service = open_service()
        except NboError as error:
            logger.error("the service cannot start", extra={"why": str(error)})
            raise
        settle()
        app.state.service = service
        app.state.callers = Callers(service.settings, service.engine.bank.identity.name)
        app.state.admission = Admission(service.settings.most_waiting)
        app.state.largest_body = service.settings.largest_body
        service.watcher = measured
        if tracing is not None:
            tracing.follow(service)
        try:
            yield
        finally:
            service.close()
            app.state.callers.close()
            gc.unfreeze()
            if tracing is not None:
                tracing.close()

    app = FastAPI(
        title="nbo",
        version=VERSION,
        summary="The next best offer, in the moment",
        lifespan=lifespan,
        redirect_slashes=False,
        # their pages would load scripts from elsewhere
        docs_url=None,
        redoc_url=None,
        # the framework's own traces would name addresses, and those name customers
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.metrics = measured
    app.add_middleware(Unkept)
    app.add_middleware(Measured, metrics=measured)
    if tracing is not None:
        tracing.add_to(app)
    handle_problems(app)
    for routed in (decisions, events, customers, looks, health, metrics):
        app.include_router(routed.router)
    return app
