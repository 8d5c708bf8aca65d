"""The reference of a bank's features, written from their definitions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from expressions.types import Boolean, Category, ColumnType, Number
from features.building.journeys import STAGE_FEATURES
from features.catalogue import FeatureCatalogue
from features.definitions import AggregateFeature
from features.feature import Feature

_SENTENCES: Mapping[str, str] = {
    "count": "number of {events}",
    "sum": "sum of {of} over {events}",
    "mean": "mean {of} of {events}",
    "min": "least {of} of {events}",
    "max": "greatest {of} of {events}",
    "days_since_first": "days since the first of {events}",
    "days_since_last": "days since the last of {events}",
    "last": "last {of} of {events}",
    "distinct_days": "local days with {events}",
    "decayed_count": "number of {events}, each halved every {half_life_days} days",
    "decayed_sum": "sum of {of} over {events}, each halved every {half_life_days} days",
}


def features_reference(catalogue: FeatureCatalogue, bank: str) -> str:
    """Write the reference as Markdown: every declared feature with its meaning, unit, type and definition.

    Features that differ only in window, channel or product are told together. Internal ones are left out.

    Args:
        catalogue: The bank's features.
        bank: Its name, for the title.

    Example:
        >>> from features.definitions import Where
        >>> logins = AggregateFeature(name="logins", aggregate="count", where=Where(group="login"), unit="events",
        ...                           topic="activity", description="Logins", windows_days=(7,))
        >>> feature = Feature(name="logins_7d", type=Number(), unit="events", topic="activity", description="Logins",
        ...                   owner="analytics", aggregate=logins)
        >>> print(features_reference(FeatureCatalogue({"logins_7d": feature}, {}, {}), "demo").splitlines()[-1])
        | `logins_7d` | Logins | events | number | number of events of login, last 7 days | analytics |
    """
    shown = [feature for feature in catalogue.features.values() if not feature.internal]
    lines = [
        f"# Features of the bank {bank}",
        "",
        "Written by `features/reference.py` from the definitions; change these, not this page. All features are as of",
        "a moment: only what was available before it counts. A window of *w* days begins at the local midnight *w*",
        "days before that of the moment. Of no events counts, sums and distinct days are 0, everything else is NULL.",
    ]
    for topic in dict.fromkeys(feature.topic for feature in shown):
        lines += ["", f"## {topic.capitalize()}", ""]
        lines += ["| Feature | Meaning | Unit | Type | Definition | Owner |", "|---|---|---|---|---|---|"]
        lines += _rows([feature for feature in shown if feature.topic == topic])
    if catalogue.not_applicable:
        lines += ["", "## Not applicable", "", "Common features that this bank does without, and why:", ""]
        lines += [f"- `{name}`: {why}" for name, why in catalogue.not_applicable.items()]
    return "\n".join(lines) + "\n"


def _rows(features: list[Feature]) -> Iterator[str]:
    keyed = [(_family(feature), feature) for feature in features]
    order = list(dict.fromkeys(key for key, _ in keyed))
    in_order = sorted(keyed, key=lambda pair: order.index(pair[0]))
    for _, group in groupby(in_order, key=lambda pair: pair[0]):
        members = [feature for _, feature in group]
        first = members[0]
        names = ", ".join(f"`{feature.name}`" for feature in members)
        personal = " (personal: no model sees it)" if first.personal else ""
        cells = (names, first.description + personal, first.unit, _type(first.type), _definition(first), first.owner)
        yield "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def _family(feature: Feature) -> tuple[str | None, ...]:
    """What features have in common that are told together: all but the member."""
    if feature.template is None:
        return (None, feature.name)
    return (feature.template, feature.description)


def _type(kind: ColumnType) -> str:
    match kind:
        case Number():
            return "number"
        case Boolean():
            return "yes/no"
        case Category(values):
            return "one of " + ", ".join(values)


def _definition(feature: Feature) -> str:
    if feature.name in STAGE_FEATURES:
        return "the stages of `journey.yaml`"
    if feature.expression is not None:
        return f"`{feature.expression}`" + (f" (shown for {feature.member})" if feature.member else "")
    assert feature.aggregate is not None, "a feature is an aggregate, derived, or of the stage"
    return _aggregate(feature.aggregate, feature.member)


def _aggregate(declared: AggregateFeature, member: str | None) -> str:
    where = declared.where
    conditions = [f"{name} = {value}" for name, value in where.properties.items()]
    if where.channel is not None:
        conditions.append("in the channel" if where.channel == member else f"in {where.channel}")
    if where.product is not None:
        conditions.append("about the product" if where.product == member else f"about {where.product}")
    events = "events of " + (where.group or ", ".join(where.types))
    events += f" ({', '.join(conditions)})" if conditions else ""
    sentence = _SENTENCES[declared.aggregate].format(
        events=events, of=declared.of, half_life_days=declared.half_life_days
    )
    return sentence + (f", last {declared.windows_days[0]} days" if declared.windows_days else "")
