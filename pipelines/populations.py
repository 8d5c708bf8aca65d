"""Whom models learn from: moments of the offline store that a label's population takes in."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds

from config.bank import Bank
from domain.errors import DataError
from expressions.expression import compile_expression
from features.moments import Moments
from features.table import AS_OF, CUSTOMER_ID, FeatureTable
from pipelines.feature_build import churn_anchors
from wiring.parts import Parts


def contact_types(bank: Bank) -> tuple[str, ...]:
    """Event types that tell of offers and their answers."""
    contacts = bank.vocabulary.contacts
    if contacts is None:
        return ()
    types = (contacts.presented, contacts.accepted, contacts.clicked, contacts.declined)
    return tuple(name for name in types if name is not None)


def churn_moments(parts: Parts, until: datetime) -> Moments:
    """List the customers and anchors of the label's population, from the features kept offline.

    Raises:
        DataError: There is no anchor yet, or the population is empty.
    """
    asked = churn_anchors(parts, until)
    label, training = parts.bank.models.churn, parts.bank.models.training
    if not len(asked):
        raise DataError(
            "the log is too short to ask for churn at any moment",
            got=f"{parts.log.first_occurred_at()} to {until}",
            expected=f"history of {training.history_days} days before, lead and horizon of "
            f"{label.lead_days} + {label.horizon_days} days after an anchor",
            remedy="bring more history, or shorten them in models.yaml",
        )
    population = compile_expression(label.population, parts.bank.features.schema)
    names = sorted(population.names)
    moments = pa.array(asked).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    kept = ds.dataset(parts.repository.parts, format="parquet").to_table(
        columns=[CUSTOMER_ID, AS_OF, *names], filter=ds.field(AS_OF).isin(moments)
    )
    schema = {name: parts.bank.features.schema[name] for name in names}
    table = FeatureTable.from_arrow(kept, schema)
    rows = np.flatnonzero(np.broadcast_to(population.evaluate(table.columns) == 1.0, len(table)))
    if not len(rows):
        raise DataError(
            "nobody was ever in the population whose churn is asked",
            got=label.population,
            expected="a condition that holds for somebody at some anchor",
            remedy="correct `churn.population` in models.yaml",
        )
    # a contact at an anchor's very moment is in the store twice, with the same features
    pairs = list(dict.fromkeys(zip(table.customer_ids[rows], table.as_of[rows], strict=True)))
    return Moments(
        np.array([customer for customer, _ in pairs], dtype=object),
        np.array([moment for _, moment in pairs], dtype="datetime64[us]"),
    )
