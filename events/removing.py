"""Rewrites segments without some of their events: those of an erased customer, or superseded ones."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from events.fingerprints import event_fingerprints, text_fingerprints
from events.identities import among
from events.manifest import Segment
from events.mapped import mapped_file, write_mapped
from events.news import news_of
from events.schema import SCHEMA, one_chunk
from events.segments import read_segment, segment_of, write_segment
from storage.atomic import sync


def without_events(
    folder: Path, segment: Segment, ids: NDArray[np.uint64]
) -> tuple[Segment | None, NDArray[np.uint64]]:
    """Rewrite a segment without events, given by the first lane of their ids' fingerprints.

    Returns:
        The segment that is left (itself if it has none of the events, None if it has no others), and the ids removed.
    """
    found = text_fingerprints(one_chunk(read_segment(folder / segment.file, ["event_id"])["event_id"]))[:, 0]
    gone = among(found, ids)
    if not gone.any():
        return segment, found[:0]
    rest = read_segment(folder / segment.file, SCHEMA.names).filter(pa.array(~gone))
    return (written(folder, segment.bucket, rest) if len(rest) else None), found[gone]


def written(folder: Path, bucket: int, events: pa.Table) -> Segment:
    """Write the rest of a segment to new files, durably."""
    file = f"bucket-{bucket:04d}-{uuid4().hex}.parquet"
    write_segment(folder / file, events)
    write_mapped(folder / file, events)
    for place in (folder / file, mapped_file(folder / file)):
        sync(place)
    return segment_of(file, bucket, events, news_of(events, event_fingerprints(events)))
