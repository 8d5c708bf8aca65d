"""Stable 64-bit fingerprints of texts and of whole events, for buckets, ids and digests.

Texts are hashed by BLAKE2b once per distinct value, numbers by the finaliser of splitmix64 (Steele, Lea and Flood,
2014, doi:10.1145/2660193.2660195); the two are combined column by column. Every fingerprint has two lanes of 64 bits.
"""

from __future__ import annotations

from binascii import hexlify
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.schema import one_chunk

Lanes = NDArray[np.uint64]

_SECOND_LANE = np.uint64(0x9E3779B97F4A7C15)
_COMBINE = np.uint64(0xD1342543DE82EF95)  # odd, so that multiplying loses nothing


def text_fingerprints(texts: pa.Array) -> Lanes:
    """Fingerprint each text.

    Returns:
        Shape (n, 2); zeros for null.

    Example:
        >>> [hex(lane) for lane in text_fingerprints(pa.array(["c1"]))[0].tolist()]
        ['0x31e1816a6310853f', '0x1d7100f4a2790440']
    """
    encoded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    digests = b"".join(blake2b(value.encode(), digest_size=16).digest() for value in values)
    lookup = np.zeros((len(values) + 1, 2), dtype=np.uint64)
    lookup[:-1] = np.frombuffer(digests, dtype="<u8").reshape(-1, 2)
    codes = encoded.indices.fill_null(len(values)).to_numpy(zero_copy_only=False)
    fingerprints: Lanes = lookup[codes]
    return fingerprints


def bucket_of(customer_ids: pa.Array, buckets: int) -> NDArray[np.int64]:
    """Return the bucket of each customer, the same on every machine.

    Example:
        >>> bucket_of(pa.array(["c1", "c2", "c1"]), 16).tolist()
        [15, 8, 15]
    """
    return (text_fingerprints(customer_ids)[:, 0] % np.uint64(buckets)).astype(np.int64)


def content_fingerprints(table: pa.Table) -> Lanes:
    """Fingerprint each event's content: everything but its id. The order of properties does not matter.

    Args:
        table: Columns of `events.schema.SCHEMA`; `event_id` may be missing.

    Returns:
        Fingerprints, shape (n, 2).
    """
    lanes = np.zeros((table.num_rows, 2), dtype=np.uint64)
    for name in ("customer_id", "type", "channel", "product", "decision_id"):
        lanes = combine(lanes, text_fingerprints(one_chunk(table.column(name))))
    for name in ("occurred_at", "available_at"):
        moments = one_chunk(table.column(name)).cast(pa.int64()).to_numpy(zero_copy_only=False)
        lanes = combine(lanes, _number_fingerprints(moments))
    amounts = one_chunk(table.column("amount"))
    bits = amounts.fill_null(np.nan).to_numpy(zero_copy_only=False).view(np.int64)
    lanes = combine(lanes, _number_fingerprints(bits))
    return combine(lanes, _property_fingerprints(one_chunk(table.column("properties"))))


def event_fingerprints(table: pa.Table) -> Lanes:
    """Fingerprint whole events, content and id, as a log sums them.

    Args:
        table: All columns of `events.schema.SCHEMA`.

    Returns:
        Fingerprints, shape (n, 2).
    """
    return combine(content_fingerprints(table), text_fingerprints(one_chunk(table.column("event_id"))))


def combine(lanes: Lanes, more: Lanes) -> Lanes:
    """Mix further content into fingerprints; the order of mixing matters."""
    return _mixed(lanes * _COMBINE + more)


def as_hex(lanes: Lanes) -> pa.Array:
    """Format each pair of lanes as 32 hexadecimal digits.

    Example:
        >>> as_hex(np.array([[1, 255]], dtype=np.uint64)).to_pylist()
        ['000000000000000100000000000000ff']
    """
    digits = pa.py_buffer(hexlify(np.ascontiguousarray(lanes).astype(">u8").tobytes()))
    offsets = pa.py_buffer(np.arange(0, 32 * len(lanes) + 1, 32, dtype=np.int64))
    return pa.Array.from_buffers(pa.large_string(), len(lanes), [None, offsets, digits]).cast(pa.string())


def _property_fingerprints(properties: pa.MapArray) -> Lanes:
    """Sum the fingerprints of a row's entries, by differences of a running sum that wraps at 2^64."""
    entries = combine(text_fingerprints(properties.keys), text_fingerprints(properties.items))
    running = np.zeros((len(entries) + 1, 2), dtype=np.uint64)
    np.cumsum(entries, axis=0, out=running[1:])
    bounds = properties.offsets.to_numpy()
    sums: Lanes = running[bounds[1:]] - running[bounds[:-1]]
    return sums


def _number_fingerprints(values: NDArray[np.int64]) -> Lanes:
    bits = values.view(np.uint64)
    return _mixed(np.stack([bits, bits ^ _SECOND_LANE], axis=1))


def _mixed(values: Lanes) -> Lanes:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
