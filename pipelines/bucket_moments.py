"""Training moments of one bucket of customers."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from config.bank import Bank
from features.moments import Moments
from models.labels import responses


def customers_in(events: pa.Table) -> NDArray[np.object_]:
    """Return the customers of a bucket, in its order."""
    return np.array(pc.unique(events["customer_id"]).to_pylist(), dtype=object)


def training_moments(bank: Bank, events: pa.Table, asked: NDArray[np.datetime64], until: datetime) -> Moments:
    """List the training moments: the anchors of churn for every customer known by then, and the moments of contacts.

    Returns:
        Moments in the order of time, then customer, without repetitions.
    """
    encoded = events["customer_id"].combine_chunks().dictionary_encode()
    ids = np.array(encoded.dictionary.to_pylist(), dtype=object)
    # the log is ordered by customer, and so are the codes
    begins = np.searchsorted(encoded.indices.to_numpy(), np.arange(len(ids)))
    available = events["available_at"].cast(pa.int64()).to_numpy()
    since = np.minimum.reduceat(available, begins) if len(ids) else available
    here = since[:, None] < asked.astype("datetime64[us]").astype(np.int64)[None, :]
    customer, anchor = np.nonzero(here)
    return in_order(Moments(ids[customer], asked[anchor]), contact_moments(bank, events, until))


def contact_moments(bank: Bank, events: pa.Table, until: datetime) -> Moments:
    """List the moments at which offers were presented to customers, as far as known at `until`."""
    if bank.vocabulary.contacts is None:
        return Moments(np.empty(0, dtype=object), np.empty(0, dtype="datetime64[us]"))
    return responses(events, bank.vocabulary, bank.offers, until).moments


def in_order(*parts: Moments) -> Moments:
    """Merge moments in the order of time, then customer, without repetitions."""
    ids = np.concatenate([part.customer_ids for part in parts])
    as_of = np.concatenate([part.as_of.astype("datetime64[us]") for part in parts])
    encoded = pa.array(ids, pa.string()).dictionary_encode()
    rank = np.argsort(pc.sort_indices(encoded.dictionary).to_numpy())
    customer = rank[encoded.indices.to_numpy()]
    order = np.lexsort((customer, as_of))
    same = (np.diff(customer[order]) == 0) & (np.diff(as_of[order]) == np.timedelta64(0, "us"))
    first = order[np.append(True, ~same)] if len(order) else order
    return Moments(ids[first], as_of[first])
