"""Segments written anew without some of their events: those of an erased customer, those that are superseded."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.durable import sync
from events.fingerprints import event_fingerprints, text_fingerprints
from events.identities import among
from events.manifest import Segment
from events.mapped import mapped_file, write_mapped
from events.news import news_of
from events.schema import SCHEMA, one_chunk
from events.segments import read_segment, segment_of, write_segment


def without_events(
    folder: Path, segment: Segment, ids: NDArray[np.uint64]
) -> tuple[Segment | None, NDArray[np.uint64]]:
    """Write a segment anew without events, given by the first lane of their ids' fingerprints.

    Returns:
        What is left: the segment itself where it has none of them, None where it has no others; and which it had.
    """
    found = text_fingerprints(one_chunk(read_segment(folder / segment.file, ["event_id"])["event_id"]))[:, 0]
    gone = among(found, ids)
    if not gone.any():
        return segment, found[:0]
    rest = read_segment(folder / segment.file, SCHEMA.names).filter(pa.array(~gone))
    return (written(folder, segment.bucket, rest) if len(rest) else None), found[gone]


def written(folder: Path, bucket: int, events: pa.Table) -> Segment:
    """Write what is left of a segment to files of its own, durable on the disk."""
    file = f"bucket-{bucket:04d}-{uuid4().hex}.parquet"
    write_segment(folder / file, events)
    write_mapped(folder / file, events)
    for place in (folder / file, mapped_file(folder / file)):
        sync(place)
    return segment_of(file, bucket, events, news_of(events, event_fingerprints(events)))
