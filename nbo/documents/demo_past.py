"""What nbo would have earned in the simulated bank's past: the evaluation, beside the truth that no evaluation sees."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow.parquet as pq

from domain.errors import StateError
from domain.estimate import NORMAL, Estimate
from domain.offer import OfferClass
from expressions.types import Array
from nbo.documents.claims import claim
from pipelines.evaluation import Compared, compared
from pipelines.markdown import table
from serving.what_if.evaluations import EvaluationRecord, read_evaluations
from serving.what_if.occasions import occasions
from wiring.components import Components

EARLIER: Final = "earlier"
"""Name of the model that was trained as of a day in the past."""


def demo_past(components: Components) -> list[str]:
    """Say what the earlier model would have earned, and what is true of the decisions whose alternatives are recorded.

    Raises:
        StateError: It was not evaluated, or the sentence does not hold.
    """
    record = next((one for one in read_evaluations(components.places.figures) if one.subject == EARLIER), None)
    if record is None:
        raise StateError(
            f"the model '{EARLIER}' was not evaluated", remedy="run the commands of `make results`, the first ones too"
        )
    found, currency = record.found, record.currency
    truth, decisions = _truth(components, compared(components, Path(EARLIER), record.as_of))
    gain = found.gain
    return [
        "### What nbo would have earned",
        "",
        claim(
            "The bank's campaigns drew part of their offers at random, and recorded with what probability. So a model "
            f"of {_learned_until(components):%Y-%m-%d} can be judged by what they presented after it, before nbo has "
            f"decided anything: *{found.verdict.word.value}*. {found.support.decisions:,} contacts earned "
            f"{found.logged_reward:.2f} {currency} each; at the same moments, in the same channels, nbo would have "
            f"earned {_said(gain)} more. Of {decisions:,} of them the simulation knows what every offer would have "
            f"brought: there the true gain is {_said(truth)}.",
            holds=gain.low <= truth.value <= gain.high and found.verdict.word.value == "ship",
        ),
        "",
        *table(list(_stage_rows(record))),
    ]


def _stage_rows(record: EvaluationRecord) -> list[dict[str, object]]:
    return [
        {
            "stage": part.segment,
            "contacts": part.decisions,
            f"gain for each ({record.currency})": _said(part.gain),
        }
        for part in record.found.segments
    ]


def _said(gain: Estimate) -> str:
    return f"{gain.value:+.2f} ({gain.low:+.2f} to {gain.high:+.2f})"


def _truth(components: Components, found: Compared) -> tuple[Estimate, int]:
    """Return what the decider truly gains where every offer's probability of acceptance is recorded, and how often."""
    recorded = pq.read_table(components.sources / "truth" / "alternatives.parquet").to_pandas()
    chances = recorded.set_index(["decision_id", "channel", "offer"])[
        ["acceptance_probability", "selection_probability"]
    ]
    known = {name: group.droplevel(0) for name, group in chances.groupby(level=0)}
    decisions = [one for one in found.outcomes.decisions if one.decision_id in known]
    gains: Array = np.zeros(len(decisions))
    for one in occasions(decisions, found.decider, components.log, components.places.decisions):
        made = found.decider.decide(one.features, one.context)
        channel = decisions[one.rows[0]].channel
        columns = [
            column
            for column in made.policy.candidates.by_channel[channel].tolist()
            if made.policy.candidates.pairs[column][0].offer_class is OfferClass.COMMERCIAL
        ]
        offers = [made.policy.candidates.pairs[column][0].name for column in columns]
        for row, place in enumerate(one.rows.tolist()):
            there = known[decisions[place].decision_id].loc[channel].reindex(offers)
            more = made.ranking.selection_probability[row, columns] - there["selection_probability"].to_numpy()
            value = np.nan_to_num(made.scores.value[row, columns])
            gains[place] = float(np.nansum(more * there["acceptance_probability"].to_numpy() * value))
    error = NORMAL * float(gains.std(ddof=1)) / np.sqrt(len(gains))
    mean = float(gains.mean())
    return Estimate(mean, mean - error, mean + error), len(gains)


def _learned_until(components: Components) -> datetime:
    registered = components.models.registry.named(f"{components.name}-propensity", EARLIER)
    assert registered is not None, "it was evaluated"
    return registered.data_last
