"""Reads a table of contacts: checks its columns, and turns the features into numbers and categories."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from domain.errors import DataError, nearest
from expressions.types import Array, ColumnType
from features.table import FeatureTable
from models.contact_values import (
    START,
    Objects,
    answers_of,
    moments_of,
    note_cases,
    read_column,
    texts_of,
    texts_or_none,
    values_of,
)
from models.inputs import schema_from_json, schema_to_json

_RESERVED: Final = re.compile(r"^(offer|product|channel|family)(_|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactColumns:
    """Which column of a table of contacts is what; only the offer and the answer are needed.

    Attributes:
        offer: Name of what was offered.
        accepted: The answer: booleans, 0 and 1, or yes and no; rows without one are left out.
        channel: Channel of the contact.
        time: Moment of the contact; the features are as of this moment.
        known_at: Moment at which the answer was final; by default that of the contact.
        customer: The customer, who may have several contacts; by default every row is a customer of its own.
        product: Product that the offer belongs to; offers of one product learn from each other.
        attributes: Numbers that describe the offer rather than the customer, such as its rate.
        features: Features of the customer; by default every other column.
        exclude: Columns that are not features.
        trusted: Features that were known before the contact although they tell the answer.
        families: Dimension (`product` or `channel`) -> template -> {member: column}, for features that exist per
            product or channel, such as `{"channel": {"logins": {"app": "app_logins", "web": "web_logins"}}}`.
    """

    offer: str = "offer"
    accepted: str = "accepted"
    channel: str | None = None
    time: str | None = None
    known_at: str | None = None
    customer: str | None = None
    product: str | None = None
    attributes: tuple[str, ...] = ()
    features: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    families: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)

    @property
    def roles(self) -> tuple[str, ...]:
        """Columns with a role of their own, which are not features."""
        roles = (self.offer, self.accepted, self.channel, self.time, self.known_at, self.customer, self.product)
        return (*(name for name in roles if name is not None), *self.attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactTable:
    """n contacts as arrays.

    Attributes:
        features: Features, with customers and moments.
        offer: Shape (n,).
        channel: Shape (n,), None where unknown.
        product: Shape (n,), or None if there is no such column.
        attributes: Name -> shape (n,).
        y: Shape (n,), 1.0 if accepted; zeros for a table to score.
        known_at: Shape (n,).
    """

    features: FeatureTable
    offer: Objects
    channel: Objects
    product: Objects | None
    attributes: Mapping[str, Array]
    y: Array
    known_at: NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Encoder:
    """How columns become features, learned on the training table.

    Attributes:
        columns: Which column is what.
        names: Name of each feature inside the model -> its column.
        schema: Name inside the model -> type.
    """

    columns: ContactColumns
    names: Mapping[str, str]
    schema: Mapping[str, ColumnType]

    def column_of(self, name: str) -> str:
        """Return the column of a feature."""
        return self.names.get(name, name)

    @property
    def families(self) -> dict[str, dict[str, dict[str, str]]]:
        """Families by the names inside the model; columns that were left out are missing."""
        inside = {column: name for name, column in self.names.items()}
        return {
            dimension: {
                template: {member: inside[column] for member, column in by.items() if column in inside}
                for template, by in templates.items()
            }
            for dimension, templates in self.columns.families.items()
        }

    def read(self, frame: pd.DataFrame, y: Array | None = None) -> ContactTable:
        """Read a table with the columns of training; the answer is not needed.

        Raises:
            DataError: A column is missing or unusable.
        """
        roles, rows = self.columns, len(frame)
        for column in (roles.offer, *self.names.values()):
            _need(frame, column)
        moments = moments_of(frame, roles.time) if roles.time in frame.columns else np.full(rows, START)
        known = moments_of(frame, roles.known_at) if y is not None and roles.known_at is not None else moments
        customers = texts_of(frame[roles.customer], roles.customer) if roles.customer in frame.columns else None
        columns = {name: values_of(frame[column], self.schema[name]) for name, column in self.names.items()}
        return ContactTable(
            features=FeatureTable(
                np.array([f"row {row}" for row in range(rows)], dtype=object) if customers is None else customers,
                moments,
                columns,
                dict(self.schema),
            ),
            offer=texts_of(frame[roles.offer], roles.offer),
            channel=texts_or_none(frame, roles.channel),
            product=None if roles.product is None else texts_or_none(frame, roles.product),
            attributes={
                name: pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)
                for name in roles.attributes
                if name in frame.columns
            },
            y=np.zeros(rows) if y is None else y,
            known_at=known,
        )

    def to_json(self) -> dict[str, Any]:
        """Return the encoder as JSON-compatible values."""
        return {
            "columns": asdict(self.columns),
            "names": dict(self.names),
            "schema": schema_to_json(self.schema),
        }


def encoder_from_json(parts: Mapping[str, Any]) -> Encoder:
    """Read an encoder from `to_json` output."""
    columns: dict[str, Any] = {}
    for name, value in parts["columns"].items():
        columns[name] = tuple(value) if isinstance(value, list) else value
    return Encoder(ContactColumns(**columns), dict(parts["names"]), schema_from_json(parts["schema"]))


def read_contacts(frame: pd.DataFrame, columns: ContactColumns) -> tuple[Encoder, ContactTable, tuple[str, ...]]:
    """Check a training table and learn how its columns become features.

    Returns:
        The encoder, the contacts with an answer, and what was noticed, in sentences.

    Raises:
        DataError: A column is missing, named twice, or unusable.
    """
    _check_names(frame, columns)
    y = answers_of(frame[columns.accepted], columns.accepted)
    kept, notes = ~np.isnan(y), []
    if not kept.all():
        notes.append(f"{int((~kept).sum()):,} rows without an answer in '{columns.accepted}' were left out")
    if not kept.any():
        raise DataError("no contact has an answer", got=f"{len(frame)} rows", expected=f"some in '{columns.accepted}'")
    frame, y = frame[kept], y[kept]
    wanted = columns.features
    if wanted is None:
        wanted = tuple(str(name) for name in frame.columns if name not in {*columns.roles, *columns.exclude})
    names: dict[str, str] = {}
    schema: dict[str, ColumnType] = {}
    seen: dict[int, str] = {}
    for column in wanted:
        found = read_column(frame[column], column, notes)
        reason = found.reason
        if found.kind is not None:
            key = hash(found.values.tobytes())
            reason = f"is the same as '{seen[key]}'" if key in seen else ""
            seen.setdefault(key, column)
        if found.kind is None or reason:
            notes.append(f"column '{column}' was left out: it {reason}")
            continue
        name = _safe(column, names)
        names[name], schema[name] = column, found.kind
    encoder = Encoder(columns, names, schema)
    table = encoder.read(frame, y)
    _check_moments(table, columns, notes)
    for role in (columns.offer, columns.channel):
        if role is not None:
            note_cases(pd.unique(frame[role].dropna().astype(str)).tolist(), role, notes)
    return encoder, table, tuple(notes)


def _check_names(frame: pd.DataFrame, columns: ContactColumns) -> None:
    if not len(frame):
        raise DataError("the table of contacts is empty", expected="a row for each contact")
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    if twice:
        raise DataError(
            "columns of the contacts have the same name",
            got=", ".join(f"'{name}'" for name in twice),
            expected="different names",
            remedy="rename or drop one of each",
        )
    of_families = (
        column for templates in columns.families.values() for by in templates.values() for column in by.values()
    )
    for name in (*columns.roles, *(columns.features or ()), *columns.trusted, *of_families):
        _need(frame, name)


def _need(frame: pd.DataFrame, column: str) -> None:
    if column not in frame.columns:
        raise DataError(
            f"the contacts have no column '{column}'",
            got=f"{len(frame.columns)} columns",
            expected=nearest(column, [str(name) for name in frame.columns]),
            remedy="name your columns in ContactColumns",
        )


def _check_moments(table: ContactTable, columns: ContactColumns, notes: list[str]) -> None:
    early = table.known_at < table.features.as_of
    if early.any():
        raise DataError(
            f"an answer was known before its contact, by '{columns.known_at}' and '{columns.time}'",
            got=f"row {int(np.flatnonzero(early)[0])}, and {int(early.sum()):,} rows in all",
            expected="answers at or after the contact",
        )
    later = table.known_at > pd.Timestamp.now("UTC").tz_localize(None).to_datetime64()
    if later.any():
        notes.append(
            f"{int(later.sum()):,} answers are dated later than today, in '{columns.known_at or columns.time}'"
        )


def _safe(column: str, taken: Mapping[str, str]) -> str:
    """Return a name of letters, digits and underscores that no other feature or part of the model has."""
    name = re.sub(r"\W", "_", column, flags=re.ASCII) or "feature"
    name = f"feature_{name}" if _RESERVED.match(name) else name
    number, unique = 2, name
    while unique in taken:
        unique, number = f"{name}_{number}", number + 1
    return unique
