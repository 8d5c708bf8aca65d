"""The service under a steady load for ten minutes: does it grow? `make bench-soak`."""

from __future__ import annotations

import argparse
import json
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

from benchmarks.measure import surroundings
from benchmarks.pages import write_page
from benchmarks.serving import load, megabytes, prepare, serving, workers_of

RESULTS = Path(__file__).parent / "results" / "serving_soak.json"
PER_SECOND = 100
EVERY_SECONDS = 15.0


def main() -> None:
    """Serve, look every few seconds, and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--simulated", type=int, default=3_000)
    parser.add_argument("--months", type=int, default=14)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--home", type=Path, help="keep the state here, and use it again")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        home = (options.home or Path(temporary)).resolve()
        moment = prepare(home, options)
        with serving(home, moment, options.workers) as served:
            load(served, options, per_second=50, seconds=5)
            looks: list[dict[str, Any]] = []
            ended = threading.Event()
            watching = threading.Thread(target=_watch, args=(served.process.pid, looks, ended))
            watching.start()
            said = load(served, options, per_second=PER_SECOND, seconds=options.seconds)
            ended.set()
            watching.join()
    RESULTS.parent.mkdir(exist_ok=True)
    whole = {
        "surroundings": surroundings("fastapi", "uvicorn", "sqlalchemy", "lightgbm"),
        "decisions_per_second": PER_SECOND,
        "seconds": options.seconds,
        "workers": options.workers,
        **said,
        **growth(looks),
        "looks": looks,
    }
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    write_page()


def growth(looks: list[dict[str, Any]]) -> dict[str, float]:
    """Say what was held after the first third and at the end, and how it rose between, in a straight line.

    Example:
        >>> looks = [{"seconds": s, "megabytes": [100.0 + s / 60], "files": [9]} for s in range(0, 600, 15)]
        >>> said = growth(looks)
        >>> round(said["megabytes_per_minute"], 6), said["files_at_most"]
        (1.0, 9)
    """
    settled = looks[len(looks) // 3 :]
    minutes = np.array([look["seconds"] for look in settled]) / 60
    held = np.array([sum(look["megabytes"]) for look in settled])
    slope = float(np.polyfit(minutes, held, 1)[0])
    files = max(sum(look["files"]) for look in looks)
    return {
        "megabytes_settled": float(held[0]),
        "megabytes_at_the_end": float(held[-1]),
        "megabytes_per_minute": slope,
        "files_at_most": files,
    }


def _watch(parent: int, looks: list[dict[str, Any]], ended: threading.Event) -> None:
    began = time.perf_counter()
    while not ended.wait(EVERY_SECONDS):
        files = [psutil.Process(pid).num_fds() for pid in workers_of(parent)]
        looks.append({"seconds": time.perf_counter() - began, "megabytes": megabytes(parent), "files": files})


if __name__ == "__main__":
    main()
