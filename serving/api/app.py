"""The FastAPI application: routes, middleware and lifespan."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from domain.errors import NboError
from serving.api import customers, decisions, events, health, metrics, pauses, queries, rollouts
from serving.api.admission import Admission
from serving.api.description import DescribedApi
from serving.api.metrics import Measured, Metrics
from serving.api.problems import handle_problems
from serving.api.security import Callers
from serving.api.unkept import Unkept
from serving.service.service import Service

if TYPE_CHECKING:  # without tracing nothing of it is imported
    from serving.api.tracing import Tracing

VERSION = "1.0"
logger = logging.getLogger("nbo.service")


def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of the service, without one."""

    def never() -> Service:
        raise AssertionError("the application is described, not started")

    return create_app(never).openapi()


def create_app(open_service: Callable[[], Service], tracing: Tracing | None = None) -> FastAPI:
    """Create the application; it opens the service at startup and closes it at shutdown.

    Args:
        open_service: Opens the service; takes some seconds.
        tracing: Exports spans of requests and their steps; None for no tracing.
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
        service.instrumentation = measured
        if tracing is not None:
            tracing.follow(service)
        try:
            yield
        finally:
            service.close()
            app.state.callers.close()
            if tracing is not None:
                tracing.close()

    app = DescribedApi(
        title="nbo",
        version=VERSION,
        summary="The next best offer, in the moment",
        lifespan=lifespan,
        redirect_slashes=False,
        # these pages would load scripts from other hosts
        docs_url=None,
        redoc_url=None,
        # the framework's own traces would contain URLs, which name customers
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.metrics = measured
    app.add_middleware(Unkept)
    app.add_middleware(Measured, metrics=measured)
    if tracing is not None:
        tracing.add_to(app)
    handle_problems(app)
    for routed in (decisions, events, customers, queries, pauses, rollouts, health, metrics):
        app.include_router(routed.router)
    return app
