"""The features a model sees, and checks that a table has them with the types the model was fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from domain.errors import DataError, ModelError, nearest
from expressions.types import Boolean, Category, ColumnType, Number, Schema
from features.catalogue import Feature, FeatureCatalogue
from features.table import FeatureTable
from models.settings import Learning


def model_inputs(
    catalogue: FeatureCatalogue, exclude: Sequence[str] = (), learning: Learning | None = None
) -> tuple[str, ...]:
    """Return the features that models see: all except personal, internal and excluded ones.

    Args:
        catalogue: Feature catalogue.
        exclude: Features that no model sees.
        learning: Settings of one model; if they name topics or features, it sees only these.

    Raises:
        DataError: If an excluded feature does not exist.
    """
    for name in exclude:
        if name not in catalogue.features:
            raise DataError(
                "a feature that training excludes does not exist",
                got=f"'{name}'",
                expected=nearest(name, catalogue.features),
                remedy="correct `training.exclude` in models.yaml",
            )
    return tuple(
        name
        for name, feature in catalogue.features.items()
        if not feature.personal and not feature.internal and name not in exclude and _wanted(feature, learning)
    )


def _wanted(feature: Feature, learning: Learning | None) -> bool:
    if learning is None or not (learning.topics or learning.features):
        return True
    return feature.topic in learning.topics or any(fnmatchcase(feature.name, one) for one in learning.features)


class SchemaCheck:
    """Rejects features whose schema differs from the one a model was fitted on; checks each schema once.

    Args:
        expected: Schema of the model.
    """

    def __init__(self, expected: Schema) -> None:
        self._expected = expected
        self._fits: Schema | None = None

    def __call__(self, features: FeatureTable) -> None:
        """Check a table; raises the errors of `check_schema`."""
        if features.schema is not self._fits:
            check_schema(self._expected, features)
            self._fits = features.schema


def check_schema(expected: Schema, features: FeatureTable) -> None:
    """Check that a table has the features that the model was fitted on; additional columns are fine.

    Raises:
        ModelError: Naming the first feature that is missing or of another type.
    """
    for name, kind in expected.items():
        if name not in features.columns:
            raise ModelError(
                "a feature that the model was fitted on is missing",
                got=f"no '{name}'",
                expected=nearest(name, features.columns),
                remedy="build the features again, or train a model on the existing features",
            )
        if features.schema[name] != kind:
            raise ModelError(
                f"feature '{name}' has another type than the model was fitted on",
                got=str(features.schema[name]),
                expected=str(kind),
                remedy="train again on the new features",
            )


def schema_to_json(schema: Schema) -> list[dict[str, Any]]:
    """Return a schema as JSON-compatible values, in its order.

    Example:
        >>> schema_to_json({"age": Number(), "region": Category(("north", "south"))})
        [{'name': 'age', 'type': 'number'}, {'name': 'region', 'type': 'category', 'values': ['north', 'south']}]
    """
    return [{"name": name, **_type_to_json(kind)} for name, kind in schema.items()]


def schema_from_json(entries: Sequence[Mapping[str, Any]]) -> dict[str, ColumnType]:
    """Read a schema from `schema_to_json` output.

    Example:
        >>> schema_from_json([{"name": "held", "type": "boolean"}])
        {'held': Boolean()}
    """
    return {str(entry["name"]): _type_from_json(entry) for entry in entries}


def _type_to_json(kind: ColumnType) -> dict[str, Any]:
    match kind:
        case Category(values):
            return {"type": "category", "values": list(values)}
        case Boolean():
            return {"type": "boolean"}
        case Number():
            return {"type": "number"}


def _type_from_json(entry: Mapping[str, Any]) -> ColumnType:
    match entry["type"]:
        case "category":
            return Category(tuple(entry["values"]))
        case "boolean":
            return Boolean()
        case "number":
            return Number()
        case other:
            raise ModelError("unknown type of a feature in a model's file", got=repr(other), expected="number, ...")
