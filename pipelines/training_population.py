"""Training populations and labels: customers at moments, and what happened to them according to the log."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
from numpy.typing import NDArray

from config.bank import Bank
from domain.errors import DataError
from expressions.expression import compile_expression
from expressions.types import Array
from features.moments import Moments
from features.table import AS_OF, CUSTOMER_ID, FeatureTable
from models.labels import Responses, anchors, churn_labels, churn_types, responses
from models.settings import ChurnLabel
from wiring.components import Components


def contact_types(bank: Bank) -> tuple[str, ...]:
    """Return the event types of offers and responses."""
    contacts = bank.vocabulary.contacts
    if contacts is None:
        return ()
    types = (contacts.presented, contacts.accepted, contacts.clicked, contacts.declined)
    return tuple(name for name in types if name is not None)


def churn_anchors(components: Components, until: datetime) -> NDArray[np.datetime64]:
    """Return the moments at which churn is predicted, up to the last whose label is known at `until`."""
    first = components.log.first_occurred_at()
    models = components.bank.models
    if first is None or models.churn is None:
        return np.empty(0, dtype="datetime64[us]")
    return anchors(first, until, models.training, models.churn, components.calendar)


def churn_label(components: Components) -> ChurnLabel:
    """Return the bank's definition of churn.

    Raises:
        DataError: The bank predicts no churn.
    """
    label = components.bank.models.churn
    if label is None:
        raise DataError(
            f"bank {components.name} predicts no churn",
            got="no `churn` in models.yaml",
            remedy="define `churn` there",
        )
    return label


def churn_moments(components: Components, until: datetime) -> Moments:
    """List the customers and anchors of the label's population, from the offline features.

    Raises:
        DataError: There is no anchor yet, or the population is empty.
    """
    label, training = churn_label(components), components.bank.models.training
    anchor_moments = churn_anchors(components, until)
    if not len(anchor_moments):
        raise DataError(
            "the log is too short for any anchor of the churn label",
            got=f"{_day(components, components.log.first_occurred_at())} to {_day(components, until)}",
            expected=f"history of {training.history_days} days before, lead and horizon of "
            f"{label.lead_days} + {label.horizon_days} days after an anchor",
            remedy="import more history, or shorten them in models.yaml",
        )
    population = compile_expression(label.population, components.bank.features.schema)
    names = sorted(population.names)
    moments = pa.array(anchor_moments).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    kept = ds.dataset(components.repository.parts, format="parquet").to_table(
        columns=[CUSTOMER_ID, AS_OF, *names], filter=ds.field(AS_OF).isin(moments)
    )
    schema = {name: components.bank.features.schema[name] for name in names}
    table = FeatureTable.from_arrow(kept, schema)
    rows = np.flatnonzero(np.broadcast_to(population.evaluate(table.columns) == 1.0, len(table)))
    if not len(rows):
        raise DataError(
            "no customer was ever in the population of the churn label",
            got=label.population,
            expected="a condition that holds for some customer at some anchor",
            remedy="correct `churn.population` in models.yaml",
        )
    # a contact at exactly the moment of an anchor is in the store twice, with the same features
    pairs = list(dict.fromkeys(zip(table.customer_ids[rows], table.as_of[rows], strict=True)))
    return Moments(
        np.array([customer for customer, _ in pairs], dtype=object),
        np.array([moment for _, moment in pairs], dtype="datetime64[us]"),
    )


def _day(components: Components, moment: datetime | None) -> str:
    return "no events" if moment is None else f"{moment.astimezone(components.bank.time_zone):%Y-%m-%d}"


def churned(components: Components, moments: Moments, until: datetime) -> Array:
    """Return who churned after each moment, as known at `until`: 1.0 churned, 0.0 not, NaN unknown; shape (n,)."""
    label, vocabulary = churn_label(components), components.bank.vocabulary
    return churn_labels(components.log.read_types(churn_types(label, vocabulary)), moments, label, vocabulary, until)


def answers_to_offers(components: Components, until: datetime) -> Responses:
    """List the presented offers with the customers' responses, as known at `until`.

    Raises:
        DataError: The bank's vocabulary has no contacts.
    """
    bank = components.bank
    return responses(components.log.read_types(contact_types(bank)), bank.vocabulary, bank.offers, until)
