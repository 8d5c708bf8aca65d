"""Feast definitions of a bank's features: what is registered and shown in Feast's pages."""

from __future__ import annotations

import glob
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from feast import Entity, FeatureService, FeatureView, Field, FileSource, PushSource
from feast.data_format import ParquetFormat
from feast.types import Bool, Bytes, Float64, PrimitiveFeastType, String, UnixTimestamp
from feast.value_type import ValueType
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]  # ships without types

from domain.errors import DataError, nearest
from expressions.types import Boolean, Category, ColumnType, Number
from features.catalogue import Feature, FeatureCatalogue
from features.store.parts import COMPUTED_AS_OF
from features.table import AS_OF, CUSTOMER_ID

JOURNEY_VIEW = "customer_journey"
STATE_VIEW = "customer_state"
ALL_FEATURES = "all"
STATE = "state"
WRITTEN_AT = "written_at"

EVENT_TIMESTAMP = "event_timestamp"
MOMENT_ROW = "moment_row"

EXACT = timedelta(microseconds=1)
"""The shortest time to live: Feast takes zero for unlimited."""

_OWNER = "customer analytics"
# Columns that the training set's query already has.
_TAKEN = frozenset(
    {CUSTOMER_ID, AS_OF, COMPUTED_AS_OF, EVENT_TIMESTAMP, MOMENT_ROW, "entity_row_id", "event_expire_timestamp", "rn"}
)


@dataclass(frozen=True, slots=True)
class Definitions:
    """Everything that a bank registers in Feast.

    Attributes:
        customer: The entity.
        journey: One wide view of all stored features, offline only.
        state: One packed column for each customer, online only.
        services: Named lists of features: `all`, and one for each model.
    """

    customer: Entity
    journey: FeatureView
    state: FeatureView
    services: tuple[FeatureService, ...]

    @property
    def objects(self) -> list[Any]:
        """All objects, in the form that `FeatureStore.apply` takes."""
        return [self.customer, self.journey, self.state, *self.services]

    @property
    def digest(self) -> str:
        """Fingerprint of the definitions, without their creation times."""
        specs = [_without_times(MessageToDict(definition.to_proto().spec)) for definition in self.objects]
        return sha256(json.dumps(specs, sort_keys=True).encode()).hexdigest()


def kept_features(catalogue: FeatureCatalogue) -> dict[str, Feature]:
    """Return the features that are stored offline: all but the internal ones, in catalogue order.

    Raises:
        DataError: If the training set's query cannot use a feature's name.
    """
    kept = {name: feature for name, feature in catalogue.features.items() if not feature.internal}
    for name in kept:
        # Feast's join adds the suffix _y to columns that both sides have, then drops all that end in it.
        if name in _TAKEN or name.endswith("_y"):
            raise DataError(
                "Feast cannot store a feature with this name",
                got=f"'{name}'",
                expected=f"none that ends in _y, and none of {', '.join(sorted(_TAKEN))}",
                remedy="rename the feature",
            )
    return kept


def define(
    catalogue: FeatureCatalogue,
    services: Mapping[str, Sequence[str]],
    *,
    parts: Path,
    unused: Path,
    maximum_age: timedelta = timedelta(0),
) -> Definitions:
    """Define a bank's features for Feast.

    Args:
        catalogue: The bank's features; internal ones are left out.
        services: Name of a feature service -> its features; `all` is added.
        parts: Folder of the Parquet files of the wide view.
        unused: Path of the file that Feast requires for the online view; it is never written, as states are pushed.
        maximum_age: How much older than the moment a joined row may be; zero for rows of exactly that moment.

    Raises:
        DataError: If a service requests a feature that is not stored, or Feast cannot use a name.
    """
    kept = kept_features(catalogue)
    customer = Entity(
        name="customer", join_keys=[CUSTOMER_ID], value_type=ValueType.STRING, description="A customer of the bank"
    )
    journey = FeatureView(
        name=JOURNEY_VIEW,
        entities=[customer],
        ttl=max(maximum_age, EXACT),
        online=False,
        source=FileSource(
            name=JOURNEY_VIEW,
            path=f"{glob.escape(str(parts))}/*.parquet",  # DuckDB reads this as a pattern, including the folder
            file_format=ParquetFormat(),
            timestamp_field=AS_OF,
            description="One file for each part of the customers or of the moments",
        ),
        schema=[
            Field(name=CUSTOMER_ID, dtype=String),
            Field(name=COMPUTED_AS_OF, dtype=UnixTimestamp, description="The moment the row was computed for"),
            *(_field(feature) for feature in kept.values()),
        ],
        description="Features of customers' journeys as of a moment, from what the bank could know before it",
        owner=_OWNER,
    )
    return Definitions(customer, journey, _state_view(customer, unused), _services(journey, kept, services))


def _without_times(spec: Any) -> Any:
    """Leave out Feast's `meta`, which records when a data source was defined."""
    if isinstance(spec, dict):
        return {key: _without_times(value) for key, value in spec.items() if key != "meta"}
    if isinstance(spec, list):
        return [_without_times(value) for value in spec]
    return spec


def _field(feature: Feature) -> Field:
    tags = {"unit": feature.unit, "owner": feature.owner, "topic": feature.topic}
    if isinstance(feature.type, Category):
        tags["values"] = ", ".join(feature.type.values)
    if feature.expression is not None:
        tags["expression"] = feature.expression
    if feature.personal:
        tags["personal"] = "true"
    return Field(name=feature.name, dtype=_feast_type(feature.type), description=feature.description, tags=tags)


def _feast_type(kind: ColumnType) -> PrimitiveFeastType:
    match kind:
        case Number():
            return Float64
        case Boolean():
            return Bool
        case Category():
            return String


def _state_view(customer: Entity, unused: Path) -> FeatureView:
    return FeatureView(
        name=STATE_VIEW,
        entities=[customer],
        online=True,
        source=PushSource(
            name=f"{STATE_VIEW}_push",
            batch_source=FileSource(
                name=f"{STATE_VIEW}_unused", path=str(unused), file_format=ParquetFormat(), timestamp_field=WRITTEN_AT
            ),
        ),
        schema=[
            Field(name=CUSTOMER_ID, dtype=String),
            Field(
                name=STATE,
                dtype=Bytes,
                description="Layout, midnight and mergeable aggregates, packed; features are computed from it",
            ),
        ],
        description="What the log up to the last midnight says about a customer, to be merged with today's events",
        owner=_OWNER,
    )


def _services(
    journey: FeatureView, kept: Mapping[str, Feature], wanted: Mapping[str, Sequence[str]]
) -> tuple[FeatureService, ...]:
    services = []
    for name, features in {**wanted, ALL_FEATURES: list(kept)}.items():
        for feature in features:
            if feature not in kept:
                raise DataError(
                    f"feature service '{name}' requests a feature that is not stored",
                    got=f"'{feature}'",
                    expected=nearest(feature, kept),
                )
        services.append(
            FeatureService(
                name=name,
                features=[journey[[COMPUTED_AS_OF, *features]]],
                description="All features" if name == ALL_FEATURES else f"Features that the {name} model sees",
                owner=_OWNER,
            )
        )
    return tuple(services)
