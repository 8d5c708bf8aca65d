"""Builders for tests of features: events, small banks, and the banks of the repository."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from decisioning.policies.limits import limit_features
from decisioning.policies.policy import Policy
from domain.errors import Problem
from domain.event import Event
from domain.journey import Stage
from domain.offer import Offer
from events.vocabulary import EventType, Property, Vocabulary
from features.calendar import Calendar
from features.catalogue import FeatureCatalogue, build_catalogue
from features.definitions import AggregateFeature, DerivedFeature, FeatureFile, Where
from features.journey.settings import Journey, StageCondition
from features.moments import Moments

T = TypeVar("T")
ROOT = Path(__file__).parents[2]
AMSTERDAM = Calendar(ZoneInfo("Europe/Amsterdam"))
SCHEMA = pa.schema(
    [
        ("event_id", pa.string()),
        ("customer_id", pa.string()),
        ("occurred_at", pa.timestamp("us", "UTC")),
        ("available_at", pa.timestamp("us", "UTC")),
        ("type", pa.dictionary(pa.int32(), pa.string())),
        ("channel", pa.dictionary(pa.int32(), pa.string())),
        ("product", pa.dictionary(pa.int32(), pa.string())),
        ("amount", pa.float64()),
        ("properties", pa.map_(pa.string(), pa.string())),
        ("decision_id", pa.string()),
    ]
)
VOCABULARY = Vocabulary(
    channels=("app", "web"),
    products=("savings", "loan"),
    types={
        "payment": EventType(
            description="", groups=("activity", "money"), properties={"kind": Property(values=("a", "b"))}
        ),
        "visit": EventType(description="", groups=("activity",), properties={"score": Property(type="number")}),
        "closed": EventType(description="", groups=("ended",)),
    },
    attributes={
        "region": Property(values=("north", "south")),
        "consent": Property(type="boolean"),
        "birth_year": Property(type="number", personal=True),
        "nickname": Property(type="text"),
    },
)
NO_STAGES = Journey(stages=())


def event(
    customer: str = "c1",
    at: str | datetime = "2026-01-10T12:00",
    kind: str = "visit",
    *,
    late: timedelta = timedelta(0),
    number: int = 0,
    **fields: Any,
) -> Event:
    moment = at if isinstance(at, datetime) else datetime.fromisoformat(at).replace(tzinfo=UTC)
    return Event(
        event_id=f"e{number}",
        customer_id=customer,
        type=kind,
        occurred_at=moment,
        available_at=moment + late,
        **fields,
    )


def table(events: Sequence[Event]) -> pa.Table:
    ordered = sorted(events, key=lambda one: (one.customer_id, one.occurred_at, one.event_id))
    rows = [
        {name: getattr(one, name) for name in SCHEMA.names if name != "properties"}
        | {"properties": list(one.properties.items())}
        for one in ordered
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def moment(at: str) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


def moments(*pairs: tuple[str, str | datetime]) -> Moments:
    times = [at if isinstance(at, datetime) else moment(at) for _, at in pairs]
    naive = np.array([time.astimezone(UTC).replace(tzinfo=None) for time in times], dtype="datetime64[us]")
    return Moments(np.array([customer for customer, _ in pairs], dtype=object), naive)


def aggregate(name: str = "visits", kind: str = "count", where: Where | None = None, **fields: Any) -> AggregateFeature:
    given = {"unit": "events", "topic": "activity", "description": f"What {name} says", **fields}
    return AggregateFeature(name=name, aggregate=kind, where=where or Where(group="activity"), **given)  # type: ignore[arg-type]


def derived(name: str, expression: str, **fields: Any) -> DerivedFeature:
    return DerivedFeature(name=name, expression=expression, unit="number", topic="activity", description=name, **fields)


def build(
    aggregates: Sequence[AggregateFeature] = (),
    derivations: Sequence[DerivedFeature] = (),
    journey: Journey = NO_STAGES,
    vocabulary: Vocabulary = VOCABULARY,
    **fields: Any,
) -> tuple[FeatureCatalogue, list[Problem]]:
    own = FeatureFile(aggregates=tuple(aggregates), derived=tuple(derivations), **fields)
    return build_catalogue(FeatureFile(), own, vocabulary, journey, currency="EUR")


def catalogue(*aggregates: AggregateFeature, journey: Journey = NO_STAGES) -> FeatureCatalogue:
    built, problems = build(aggregates, journey=journey)
    assert not problems
    return built


def stage(name: str, when: str, minimum_days: int = 0) -> StageCondition:
    return StageCondition(stage=Stage(name), when=when, minimum_days=minimum_days)


@cache
def bank(name: str) -> tuple[FeatureCatalogue, list[Problem], Vocabulary, Journey]:
    """Return the features of a bank of the repository, from its folder."""
    folder = ROOT / "banks" / name
    vocabulary = _read(Vocabulary, folder / "events.yaml")
    journey = _read(Journey, folder / "journey.yaml")
    offers = _read(tuple[Offer, ...], folder / "offers.yaml")
    limits = limit_features(_read(Policy, folder / "policies.yaml"), offers, vocabulary)
    common = _read(FeatureFile, ROOT / "features" / "common.yaml")
    own = _read(FeatureFile, folder / "features.yaml")
    built, problems = build_catalogue(common, own, vocabulary, journey, limits, currency="EUR")
    return built, problems, vocabulary, journey


def _read(kind: type[T], path: Path) -> T:
    return TypeAdapter(kind).validate_python(YAML(typ="safe").load(path))
