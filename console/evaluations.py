"""Figures of an evaluation: estimators, weights and segments as tables, and two of them as pictures."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Final

from markupsafe import Markup

from charts.bars import Bar, bars
from console.experiments.gains import cells_of, drawn
from console.languages import Texts
from console.languages.sentences import in_words
from console.tables import Column, Table
from decisioning.off_policy.estimators import ESTIMATORS
from decisioning.off_policy.support import WeightBand
from domain.estimate import Estimate
from serving.what_if.evaluations import EvaluationRecord

DIGITS: Final = 4
"""Decimals of a gain of less than 1 for each decision, most of which earn nothing."""


def figures_of(one: EvaluationRecord, texts: Texts) -> tuple[Table, ...]:
    """Return what an evaluation says as tables: support, estimators, weights, segments, what is left out, versions."""
    made = (_support, _estimators, _weights, _segments, _left_out, _versions)
    return tuple(each(one, texts) for each in made)


def _estimators(one: EvaluationRecord, texts: Texts) -> Table:
    rows = [
        {
            "estimator": name,
            "what": in_words(ESTIMATORS[name], texts),
            **cells_of("gain", _known(gain)),
            **cells_of("value", _known(one.found.values[name])),
        }
        for name, gain in one.found.gains.items()
    ]
    columns = (
        Column("what", texts("Estimator"), under="estimator"),
        Column("gain", texts("Gain per decision"), "small_gain", interval=("gain_low", "gain_high")),
        Column("value", texts("It would have earned"), "money", interval=("value_low", "value_high")),
    )
    return Table("estimators", texts("Gain by estimator"), columns, rows)


def estimator_chart(one: EvaluationRecord, texts: Texts) -> Markup | None:
    """Draw the gains beside zero; None without intervals."""
    gains = [(name, _known(gain)) for name, gain in one.found.gains.items()]
    return drawn(gains, texts("Gain by estimator"), texts, DIGITS)


def _weights(one: EvaluationRecord, texts: Texts) -> Table:
    decisions = one.found.support.decisions
    rows = [
        {
            "band": _band(band, texts),
            "above": band.above,
            "up_to": band.up_to,
            "decisions": band.decisions,
            "share_of_decisions": band.decisions / decisions,
            "share_of_weight": None if isnan(band.share_of_weight) else band.share_of_weight,
        }
        for band in one.found.support.bands
    ]
    columns = (
        Column("band", texts("Weight")),
        Column("decisions", texts("Decisions"), "count"),
        Column("share_of_decisions", texts("Share of decisions"), "share"),
        Column("share_of_weight", texts("Share of all weight"), "share"),
    )
    return Table("weights", texts("Decisions and their weights"), columns, rows)


def weight_chart(one: EvaluationRecord, texts: Texts) -> Markup:
    """Draw the share of the decisions, and below it the share of the weight, by size of the weight."""
    rows = []
    for row in filter(lambda row: row["decisions"], _weights(one, texts).rows):
        for label, name, colour in (
            (texts("{band}: decisions", band=row["band"]), "share_of_decisions", 3),
            (texts("weight"), "share_of_weight", 1),
        ):
            rows.append(Bar(label=label, value=row[name], text=texts.percent(row[name]), colour=colour))
    return bars(rows, texts("Decisions and their weights"), 1.0)


def _segments(one: EvaluationRecord, texts: Texts) -> Table:
    rows = [
        {
            "stage": part.segment,
            "decisions": part.decisions,
            "effective": part.effective,
            **cells_of("gain", _known(part.gain)),
        }
        for part in one.found.segments
    ]
    columns = (
        Column("stage", texts("Stage"), "name"),
        Column("gain", texts("Gain per decision"), "small_gain", interval=("gain_low", "gain_high")),
        Column("decisions", texts("Decisions"), "count"),
        Column("effective", texts("Effective decisions"), "count"),
    )
    return Table("segments", texts("Gain by stage"), columns, rows)


def _support(one: EvaluationRecord, texts: Texts) -> Table:
    found, gain, outside = one.found, one.found.gain, one.found.support.outside
    effective = texts("of {n} logged decisions of {customers} customers", n=texts.number(found.support.decisions),
                      customers=texts.number(one.customers))  # fmt: skip
    rows = [
        _figure(texts("Gain per decision"), texts.gain(gain.value, DIGITS), _between(gain, texts), gain),
        _figure(
            texts("Effective decisions"),
            texts.number(found.support.effective),
            effective,
            Estimate(found.support.effective, float("nan"), float("nan")),
        ),
        _figure(
            texts("Outside support"),
            texts.percent(outside.value),
            texts(
                "of its decisions were never made ({low} to {high})",
                low=texts.percent(outside.low),
                high=texts.percent(outside.high),
            ),
            outside,
        ),
        _figure(
            texts("Largest weight"),
            texts.number(found.support.largest_weight, 1),
            texts("the largest 1 % carry {share} of all", share=texts.percent(found.support.weight_of_largest)),
            Estimate(found.support.largest_weight, float("nan"), float("nan")),
        ),
    ]
    columns = (
        Column("figure", texts("Figure")),
        Column("said", texts("Value")),
        Column("note", texts("What it means")),
    )
    return Table("support", texts("What the verdict rests on"), columns, rows)


def _left_out(one: EvaluationRecord, texts: Texts) -> Table:
    rows = [{"why": in_words(why, texts), "impressions": count} for why, count in one.left_out.items()]
    columns = (Column("why", texts("Why")), Column("impressions", texts("Impressions"), "count"))
    return Table("left_out", texts("Impressions that tell nothing"), columns, rows, texts("Every impression counts."))


def _versions(one: EvaluationRecord, texts: Texts) -> Table:
    rows = [{"what": name, "version": version} for name, version in one.versions.items()]
    columns = (Column("what", texts("What"), "name"), Column("version", texts("Version"), "digest"))
    return Table("versions", texts("Versions that were evaluated"), columns, rows)


def _figure(figure: str, said: str, note: str, estimate: Estimate) -> Mapping[str, str | float | None]:
    return {"figure": figure, "said": said, "note": note, **cells_of("value", _known(estimate))}


def _between(gain: Estimate, texts: Texts) -> str:
    if isnan(gain.low):
        return texts("too few decisions for an interval")
    return texts("{low} to {high}", low=texts.gain(gain.low, DIGITS), high=texts.gain(gain.high, DIGITS))


def _band(band: WeightBand, texts: Texts) -> str:
    if band.above is None:
        return texts.number(0)
    if band.up_to is None:
        return texts("above {low}", low=texts.number(band.above))
    if not band.above:
        return texts("up to {high}", high=texts.number(band.up_to))
    return texts("{low} to {high}", low=texts.number(band.above), high=texts.number(band.up_to))


def _known(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate with None for what is unknown."""
    parts = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: None if isnan(number) else number for name, number in parts.items()}
