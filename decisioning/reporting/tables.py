"""Decisions as Arrow tables: the ranked offers, and the rejected candidates with the rules they failed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from decisioning.engine import Decisions
from decisioning.policies.draws import Arm
from decisioning.policies.verdicts import PASSED
from expressions.types import Array, Category

RULES_KEY = b"rules"
"""Key of the schema metadata with the names of the rules, a JSON list in the order of their bits."""


def ranked_offers(decisions: Decisions) -> pa.Table:
    """Return a table of all ranked offers.

    Returns:
        Rows by customer as in `decisions`, channel as in the vocabulary, and rank: customer_id, channel, rank, offer,
        treatment, propensity, value, priority, selection_probability, rank_probability, arm, decision_id, stage,
        as_of, versions (digest of the versions of everything that took part, `versions_digest`).
    """
    pairs = decisions.policy.candidates.pairs
    channel_of = np.array([_index(decisions.channels, treatment.channel) for _, treatment in pairs], dtype=np.intp)
    rank = decisions.ranking.rank
    rows, columns = np.nonzero(rank)
    order = np.lexsort((rank[rows, columns], channel_of[columns], rows))
    rows, columns = rows[order], columns[order]
    channels = channel_of[columns]
    scores = decisions.scores
    return pa.table(
        {
            "customer_id": pa.array(decisions.features.customer_ids[rows].tolist(), pa.string()),
            "channel": _dictionary(channels, decisions.channels),
            "rank": pa.array(rank[rows, columns], pa.int16()),
            "offer": _dictionary(columns, [offer.name for offer, _ in pairs]),
            "treatment": _dictionary(columns, [treatment.message for _, treatment in pairs]),
            "propensity": _known(scores.propensity[rows, columns]),
            "value": _known(scores.value[rows, columns]),
            "priority": _known(scores.priority[rows, columns]),
            "selection_probability": decisions.ranking.selection_probability[rows, columns],
            "rank_probability": decisions.ranking.rank_probability[rows, columns],
            "arm": _dictionary(decisions.arm[rows], [arm.label for arm in Arm]),
            "decision_id": pa.array(_ids(decisions, rows, channels), pa.string()),
            "stage": _stage(decisions, rows),
            "as_of": pa.array(np.full(len(rows), decisions.as_of), pa.timestamp("us", "UTC")),
            "versions": _dictionary(np.zeros(len(rows), np.intp), [versions_digest(decisions.versions)]),
        }
    )


def versions_digest(versions: Mapping[str, str]) -> str:
    """Return a digest of versions by name, which tells decisions of different models apart."""
    return blake2b(json.dumps(dict(versions), sort_keys=True).encode(), digest_size=16).hexdigest()


def rejections(decisions: Decisions) -> pa.Table:
    """Return a table of all rejected candidates of the decided channels.

    Returns:
        Rows by customer and candidate: customer_id, offer, channel, first_failed (name of the rule), and failed_0,
        failed_1, ...: 64 rules each as the bits of a uint64. The metadata's `rules` name the bits.
    """
    pairs = decisions.policy.candidates.pairs
    decided = np.array([treatment.channel in decisions.channels for _, treatment in pairs], dtype=bool)
    rows, columns = np.nonzero((decisions.first_failed != PASSED) & decided)
    customers = [str(customer) for customer in decisions.features.customer_ids]
    rules = [rule.name for rule in decisions.policy.rules]
    content = {
        "customer_id": _dictionary(rows, customers),
        "offer": _dictionary(columns, [offer.name for offer, _ in pairs]),
        "channel": _dictionary(columns, [treatment.channel for _, treatment in pairs]),
        "first_failed": _dictionary(decisions.first_failed[rows, columns], rules),
    }
    for word in range(decisions.bits.shape[2]):
        content[f"failed_{word}"] = pa.array(decisions.bits[rows, columns, word])
    return pa.table(content).replace_schema_metadata({RULES_KEY: json.dumps(rules).encode()})


def _known(numbers: Array) -> pa.Array:
    """Convert numbers to Arrow, with NaN as null."""
    return pa.array(numbers, mask=np.isnan(numbers))


def _ids(decisions: Decisions, rows: NDArray[np.intp], channels: NDArray[np.intp]) -> list[str]:
    """Return the decision id of every row; the rows of one decision are adjacent."""
    if not len(rows):
        return []
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:] != rows[:-1]) | (channels[1:] != channels[:-1])
    places = zip(rows[first].tolist(), channels[first].tolist(), strict=True)
    ids = decisions.decision_ids([(row, decisions.channels[channel]) for row, channel in places])
    return [ids[group] for group in np.cumsum(first) - 1]


def _stage(decisions: Decisions, rows: NDArray[np.intp]) -> pa.Array:
    kind = decisions.features.schema.get("stage")
    if not isinstance(kind, Category):
        return pa.nulls(len(rows), pa.string())
    codes = decisions.features.columns["stage"][rows]
    missing = np.isnan(codes)
    places = pa.array(np.where(missing, 0, codes).astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(places, pa.array(kind.values, pa.string())).dictionary_decode()


def _dictionary(positions: NDArray[np.integer], names: Sequence[str]) -> pa.DictionaryArray:
    """Encode names by position; equal names share one entry."""
    distinct = list(dict.fromkeys(names))
    places = {name: place for place, name in enumerate(distinct)}
    lookup = np.array([places[name] for name in names], dtype=np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(lookup[positions]), pa.array(distinct, pa.string()))


def _index(names: Sequence[str], name: str) -> int:
    return names.index(name) if name in names else len(names)
