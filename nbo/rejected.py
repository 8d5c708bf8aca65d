"""Shows quarantined rows by reason, with examples and what would mend them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from domain.counts import counted
from events.quarantine import Reason
from nbo.display import console, show_table
from nbo.onboarding.yaml_text import flow

MENDS: Final[Mapping[Reason, str]] = {
    Reason.LINE_BROKEN: "have the file delivered again, one JSON object per line",
    Reason.QUOTE_BROKEN: "if the system never quotes, set `quotes: false` for the source",
    Reason.FIELD_COUNT_WRONG: "correct `delimiter`, or name the beginnings of totals and comments in `ignore_lines`",
    Reason.ENCODING_BROKEN: "set `encoding` for the source, for example cp1252",
    Reason.CUSTOMER_ID_MISSING: "leave such rows out with `when`, or add what `lookup` misses",
    Reason.CUSTOMER_ID_UNFIT: "have ids delivered as texts",
    Reason.EVENT_ID_MISSING: "remove `event_id` from the source if not every row has one",
    Reason.EVENT_ID_UNFIT: "have ids delivered as texts",
    Reason.DECISION_ID_UNFIT: "have ids delivered as texts",
    Reason.TIME_MISSING: "leave such rows out with `when`, or read another column",
    Reason.TIME_UNREADABLE: "add their format to `time_format` of the source",
    Reason.TIME_IN_THE_FUTURE: "check `time_format` and `time_zone`, and the clock of this machine",
    Reason.TIME_BEFORE_1970: "leave such rows out with `when`",
    Reason.AVAILABLE_BEFORE_OCCURRED: "check which column is `available_at`, or leave it out",
    Reason.TYPE_UNKNOWN: "map these under `values: type:`, or leave them out with `skip: {type: [...]}`",
    Reason.CHANNEL_UNKNOWN: "map these under `values: channel:`, or add them to `channels` of events.yaml",
    Reason.PRODUCT_UNKNOWN: "map these under `values: product:`, or add them to `products` of events.yaml",
    Reason.AMOUNT_NOT_A_NUMBER: "set `decimal_mark`, `thousands_mark` and `sign` of the source",
    Reason.AMOUNT_OUT_OF_BOUNDS: "check the unit of the amount",
    Reason.PROPERTY_UNFIT: "list the value in events.yaml, set `other: true`, or map it under `values`",
    Reason.EVENT_ID_CONFLICT: "the id is not unique: make it of more columns, or leave `event_id` out",
}


def show_rejected(folder: Path, examples: int) -> None:
    """Show the rows of the newest file of a quarantine."""
    files = sorted(folder.glob("*.jsonl"), key=lambda file: file.stat().st_mtime)
    if not files:
        console.print("nothing is in quarantine", markup=False)
        return
    show_reasons(_rows(files[-1]), examples)
    console.print(f"all of them: {files[-1]}", markup=False, highlight=False, soft_wrap=True)


def show_reasons(rows: Iterable[Mapping[str, Any]], examples: int) -> None:
    """Show rows of a quarantine by source and reason."""
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    values: dict[tuple[str, str], Counter[str]] = {}
    for row in rows:
        key = (row["source"], row["reason"])
        counts[key] += 1
        if len(first.setdefault(key, [])) < examples:
            first[key].append(row)
        if found := re.search("got '(.*?)', expected", row["detail"]):
            values.setdefault(key, Counter())[found.group(1)] += 1
    for key, count in counts.most_common():
        source, reason = key
        show_table(
            f"{source}: {reason} in {counted(count, 'row')}",
            ("file", "row", "detail", "row as read"),
            [(row["file"], row["row"], row["detail"], str(row["raw"])) for row in first[key]],
        )
        console.print(f"  {MENDS[Reason(reason)]}", markup=False, highlight=False, soft_wrap=True)
        for value, number in values.get(key, Counter()).most_common(10):
            console.print(f"    {flow(value)}: ... # {number:,}", markup=False, highlight=False, soft_wrap=True)


def _rows(file: Path) -> Iterator[Mapping[str, Any]]:
    with file.open(encoding="ascii") as lines:
        yield from map(json.loads, lines)
