"""Which features a model sees, and whether a table has them as the model learned them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import DataError, ModelError, nearest
from expressions.types import Boolean, Category, ColumnType, Number, Schema
from features.catalogue import FeatureCatalogue
from features.table import FeatureTable


def model_inputs(catalogue: FeatureCatalogue, exclude: Sequence[str] = ()) -> tuple[str, ...]:
    """List the features that models see: all but personal ones, a policy's own, and those excluded.

    Raises:
        DataError: If a feature to exclude does not exist.
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
        if not feature.personal and not feature.internal and name not in exclude
    )


class SchemaCheck:
    """Refuses features of another schema than a model was fitted on; looks at each schema once.

    Args:
        expected: Of the model.
    """

    def __init__(self, expected: Schema) -> None:
        self._expected = expected
        self._fits: Schema | None = None

    def __call__(self, features: FeatureTable) -> None:
        """Check a table; errors as of `check_schema`."""
        if features.schema is not self._fits:
            check_schema(self._expected, features)
            self._fits = features.schema


def check_schema(expected: Schema, features: FeatureTable) -> None:
    """Refuse features of another schema than the model was fitted on; more columns than it needs are no harm.

    Raises:
        ModelError: Naming the first feature that is missing or of another type.
    """
    for name, kind in expected.items():
        if name not in features.columns:
            raise ModelError(
                "the features lack one that the model was fitted on",
                got=f"no '{name}'",
                expected=nearest(name, features.columns),
                remedy="build the features again, or train a model on the features there are",
            )
        if features.schema[name] != kind:
            raise ModelError(
                f"feature '{name}' has another type than the model was fitted on",
                got=str(features.schema[name]),
                expected=str(kind),
                remedy="train again on the new features",
            )


def schema_to_json(schema: Schema) -> list[dict[str, Any]]:
    """Write a schema, in its order.

    Example:
        >>> schema_to_json({"age": Number(), "region": Category(("north", "south"))})
        [{'name': 'age', 'type': 'number'}, {'name': 'region', 'type': 'category', 'values': ['north', 'south']}]
    """
    return [{"name": name, **_type_to_json(kind)} for name, kind in schema.items()]


def schema_from_json(entries: Sequence[Mapping[str, Any]]) -> dict[str, ColumnType]:
    """Read what `schema_to_json` wrote.

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
