"""The journey: stages, product funnels, experience and activity, from the figures of the last night."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from console.access import Permission
from console.journey import activity, experience, funnels, stages
from console.journey.view import View, whole_figure
from console.languages import N_
from console.page import Content, Page, Visit
from journeys.files import JourneyFigures, read_figures

VIEWS: Final[Mapping[str, tuple[str, Callable[[JourneyFigures, Visit], View]]]] = {
    "stages": (N_("Stages"), stages.view),
    "funnels": (N_("Funnels"), funnels.view),
    "experience": (N_("Experience"), experience.view),
    "activity": (N_("Activity"), activity.view),
}


def content(visit: Visit) -> Content:
    """Return the blocks of one view, and all rows of the figures behind it."""
    texts, name = visit.texts, visit.choice("view", tuple(VIEWS))
    figures = read_figures(visit.sources.journeys)
    shown = View((), ()) if figures is None else VIEWS[name][1](figures, visit)
    wholes = () if figures is None else tuple(whole_figure(figures, one, texts) for one in shown.figures)
    values = {
        "view": name,
        "views": [(key, texts(title)) for key, (title, _) in VIEWS.items()],
        "blocks": shown.blocks,
        "choices": shown.choices,
        "wholes": wholes,
        "as_of": None if figures is None else figures.as_of,
    }
    return Content((*(block.table for block in shown.blocks), *wholes), values)


PAGE: Final = Page(name="journey", title=N_("Journey"), permission=Permission.FIGURES, order=15, content=content)
