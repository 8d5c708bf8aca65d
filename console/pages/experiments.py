"""Experiments: what the holdout and the arms are worth, what offers earn of what they promised, and trials."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from console.access import Permission
from console.experiments.arms import control_arms
from console.experiments.effects import comparison, realised
from console.experiments.trials import listed, shown
from console.languages import N_
from console.languages.sentences import in_words
from console.page import Content, Page, Visit
from serving.figures.arm_outlook import DAYS
from serving.figures.files import read_effects, read_trials


def content(visit: Visit) -> Content:
    """Return effects by assignment, realised over expected value, trials, and what control arms can tell."""
    texts, folder = visit.texts, visit.sources.figures
    effects, kept = read_effects(folder), read_trials(folder)
    comparisons = [comparison(one, texts) for one in effects.get("comparisons", ())]
    trials = [shown(one, texts) for one in kept.get("trials", ())]
    tables = (
        *(one["table"] for one in comparisons),
        realised(effects.get("offers", ()), texts),
        listed(kept.get("trials", ()), texts),
        *(one["table"] for one in trials),
        *(one["triggered"]["table"] for one in trials if one["triggered"]),
        control_arms(visit),
    )
    values = {
        "as_of": datetime.fromisoformat(effects["as_of"]) if effects else None,
        "comparisons": comparisons,
        "notes": [in_words(one, texts) for one in effects.get("notes", ())],
        "trials": trials,
        "trials_as_of": datetime.fromisoformat(kept["as_of"]) if kept else None,
        "pace_days": DAYS,
    }
    return Content(tables, values)


PAGE: Final = Page(name="experiments", title=N_("Experiments"), permission=Permission.MODELS, order=38, content=content)
