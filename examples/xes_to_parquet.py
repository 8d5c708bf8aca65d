"""Convert the BPI Challenge 2012 log from XES to the Parquet file that banks/bpi2012 reads.

Columns: case_id, amount_requested, registered_at (of the application), resource, time, seq (the event's place in
the log, from 0 on), activity, lifecycle. Usage: python xes_to_parquet.py LOG.xes.gz EVENTS.parquet
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    {
        "case_id": pa.int64(),
        "amount_requested": pa.int64(),
        "registered_at": pa.timestamp("us", "UTC"),
        "resource": pa.int64(),
        "time": pa.timestamp("us", "UTC"),
        "seq": pa.int64(),
        "activity": pa.string(),
        "lifecycle": pa.string(),
    }
)


def convert(log: Path, events: Path) -> int:
    """Write the events of a log, compressed or not, as Parquet; returns how many."""
    table = pa.Table.from_pylist(list(rows(log)), SCHEMA)
    pq.write_table(table, events, compression="zstd")
    return table.num_rows


def rows(log: Path) -> Iterator[dict[str, object]]:
    """Read application by application, so that the whole log is never in memory as XML."""
    with gzip.open(log) if log.suffix == ".gz" else log.open("rb") as file:
        places = count()
        for _, element in ElementTree.iterparse(file):
            if element.tag.endswith("trace"):
                case = attributes(element)
                for event in (part for part in element if part.tag.endswith("event")):
                    found = attributes(event)
                    yield {
                        "case_id": int(case["concept:name"]),
                        "amount_requested": int(case["AMOUNT_REQ"]),
                        "registered_at": datetime.fromisoformat(case["REG_DATE"]),
                        "resource": int(found["org:resource"]) if "org:resource" in found else None,
                        "time": datetime.fromisoformat(found["time:timestamp"]),
                        "seq": next(places),
                        "activity": found["concept:name"],
                        "lifecycle": found["lifecycle:transition"],
                    }
                element.clear()


def attributes(element: ElementTree.Element) -> dict[str, str]:
    """Attributes of a case or an event by key."""
    return {part.attrib["key"]: part.attrib["value"] for part in element if "key" in part.attrib}


if __name__ == "__main__":
    print(f"{convert(Path(sys.argv[1]), Path(sys.argv[2])):,} events")
