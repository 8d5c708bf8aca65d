"""The console with its real sources, mounted below the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from config.console import ConsoleSettings
from wiring.components import Components

if TYPE_CHECKING:
    from fastapi import FastAPI


def mount_console(app: FastAPI, components: Components, settings: ConsoleSettings) -> None:
    """Add the console to an application, unless it is switched off; then nothing of it is imported."""
    if not settings.enabled:
        return
    from console.app import Console  # noqa: PLC0415 - a service without a console does without its packages
    from console.links import BASE  # noqa: PLC0415
    from console.page import Sources  # noqa: PLC0415
    from serving.proposals.tryouts import Tryouts  # noqa: PLC0415
    from wiring.audiences import audience_of  # noqa: PLC0415
    from wiring.proposals import proposals_of  # noqa: PLC0415

    places = components.places
    sources = Sources(
        figures=places.figures,
        proposals=Tryouts(proposals_of(components, lambda: app.state.service.engine.decider)),
        journeys=places.journeys,
        last_run=places.last_run,
        settings=settings,
        audience=lambda audience, as_of: audience_of(components, audience, as_of),
    )

    async def to_console() -> Response:
        return RedirectResponse(f"{BASE}/")

    app.add_api_route(BASE, to_console, include_in_schema=False)
    app.mount(BASE, Console(lambda: app.state.service, sources).application())
