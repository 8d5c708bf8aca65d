"""Control arms: what is different in each, and what it can tell."""

from __future__ import annotations

from console.languages import N_
from console.page import Visit
from console.tables import Column, Table
from serving.figures.arm_outlook import EFFECT, arm_outlooks
from serving.figures.files import read_daily_responses


def control_arms(visit: Visit) -> Table:
    """Return the arms that have customers, with the smallest difference that each can tell."""
    texts, control = visit.texts, visit.service.engine.bank.policy.control
    shares = {
        "holdout": (control.holdout_share, N_("get nothing that is sold, to measure what offers change")),
        "random_offer": (control.random_offer_share, N_("get an allowed offer at random")),
        "propensity_only": (control.propensity_only_share, N_("are ranked by propensity alone")),
        "no_levers": (control.no_levers_share, N_("are ranked without levers")),
        "eligibility_only": (
            control.eligibility_only_share,
            N_("get a random commercial offer, without the applicability rules"),
        ),
        "random_propensity": (control.random_propensity_share, N_("are ranked with random propensities")),
    }
    outlooks = {one.arm: one for one in arm_outlooks(control, read_daily_responses(visit.sources.figures)[0])}
    rows = [
        {
            "arm": name,
            "share": share,
            "what": texts(words),
            "effect": outlooks[name].effect_in_a_month if name in outlooks else None,
            "not_before": outlooks[name].not_before if name in outlooks else None,
        }
        for name, (share, words) in shares.items()
        if share
    ]
    columns = (
        Column("arm", texts("Arm"), "name"),
        Column("share", texts("Share of customers"), "share", bar=True),
        Column("what", texts("What is different")),
        Column("effect", texts("Smallest difference that a month tells"), "share"),
        Column(
            "not_before",
            texts("Cannot tell a difference of {effect} before about", effect=texts.percent(EFFECT, 0)),
            "date",
        ),
    )
    return Table("arms", texts("Control arms"), columns, rows, texts("This bank compares no arms."))
