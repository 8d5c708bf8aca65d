"""Decide for many customers, chunk by chunk: one process, as the nightly flow does it for a bucket."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.deciding_world import NOON, customers_of, policy_of
from decisioning.engine import DecisionContext, decide
from serving.decider import CUSTOMERS_PER_CHUNK

PART = CUSTOMERS_PER_CHUNK * 16


def main(customers: int, offers: int, result: Path) -> None:
    """Draw customers part by part, decide, and count what came of it; only the deciding is timed."""
    policy = policy_of(offers)
    seconds, offered, done = 0.0, 0, 0
    while done < customers:
        table, scores = customers_of(policy, min(PART, customers - done), done // PART)
        started = time.perf_counter()
        for begin in range(0, len(table), CUSTOMERS_PER_CHUNK):
            rows = np.arange(begin, min(begin + CUSTOMERS_PER_CHUNK, len(table)))
            decisions = decide(table.take(rows), scores[rows], policy, DecisionContext(as_of=NOON, seed=7))
            offered += int((decisions.ranking.rank > 0).sum())
        seconds += time.perf_counter() - started
        done += len(table)
    result.write_text(json.dumps({"customers": done, "seconds": seconds, "offers_ranked": offered}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
