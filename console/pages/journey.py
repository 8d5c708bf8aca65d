"""The journey: stages, product funnels, experience and activity, from the figures of the last night."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from console.access import Permission
from console.journey import activity, experience, funnels, stages
from console.journey.view import View, whole_figure
from console.languages import N_
from console.page import Content, Page, Visit
from console.tables import Column, Table
from domain.journey import Stage
from journeys.audience import Audience, InStage, StoppedAt
from journeys.files import JourneyFigures, read_figures
from serving.api.problems import ProblemError

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
        "audiences": shown.audiences if _may_export(visit) else (),
        "as_of": None if figures is None else figures.as_of,
    }
    return Content((*(block.table for block in shown.blocks), *wholes), values)


def audience(visit: Visit, form: Mapping[str, str]) -> Table:
    """Return the ids of the customers behind a figure of the last night.

    Raises:
        ProblemError: 404 if there are no figures; 422 if the figure is hidden, or none.
    """
    texts, figures, find = visit.texts, read_figures(visit.sources.journeys), visit.sources.audience
    if figures is None or find is None:
        raise ProblemError(404, "not-found", N_("there is no such data"))
    wanted = _wanted(form)
    customers = find(wanted, figures.as_of)
    if len(customers) < visit.service.engine.bank.analytics.smallest_cell:
        raise ProblemError(422, "not-fit", N_("an audience of so few customers is not handed out"))
    columns = (Column("customer_id", texts("Customer")),)
    return Table("audience", texts("Audience"), columns, [{"customer_id": one} for one in customers])


def _wanted(form: Mapping[str, str]) -> Audience:
    try:
        if "stage" in form:
            return InStage(stage=Stage(form["stage"]).value, day=date.fromisoformat(form["day"]))
        month = date.fromisoformat(f"{form['month']}-01")
        return StoppedAt(product=form["product"], month=f"{month:%Y-%m}", step=form["step"])
    except (KeyError, ValueError) as error:
        raise ProblemError(422, "not-fit", N_("there is no such figure")) from error


def _may_export(visit: Visit) -> bool:
    return visit.sources.audience is not None and visit.person.may(Permission.AUDIENCES)


PAGE: Final = Page(
    name="journey",
    title=N_("Journey"),
    permission=Permission.FIGURES,
    order=15,
    content=content,
    audience=audience,
)
