"""Where the kernel's processor time goes: reading, sorting, windows, finishing, writing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq

from benchmarks.feature_engines import kernel
from features import compute
from features.compiled_features import CompiledFeatures
from features.table import FeatureTable

STEPS = {
    "reading": ((pq, "read_table"),),
    "sorting": ((compute, "history_of"), (compute, "coded_moments")),
    "windows": ((compute, "gather"),),
    "finishing": ((CompiledFeatures, "columns"), (FeatureTable, "to_arrow")),
    "writing": ((kernel, "replace_parquet"),),
}
"""The functions that make up each step; what is left over is called `rest`."""


def feature_shares(source: Path, target: Path, files: int = 3) -> dict[str, float]:
    """Return the share of each step of the processor time that some files take, in one process that is warm.

    Args:
        source: Folder of the log.
        target: Folder for the features.
        files: Files to compute.
    """
    chosen = sorted(source.glob("*.parquet"))[:files]
    kernel.compute(chosen[0], target)
    spent: Counter[str] = Counter()
    with _timed(spent):
        began = time.process_time()
        for file in chosen:
            kernel.compute(file, target)
        whole = time.process_time() - began
    shares = {step: spent[step] / whole for step in STEPS}
    return {**shares, "rest": 1.0 - sum(shares.values())}


@contextmanager
def _timed(spent: Counter[str]) -> Iterator[None]:
    with ExitStack() as stack:
        for step, functions in STEPS.items():
            for owner, name in functions:
                stack.enter_context(patch.object(owner, name, _timing(getattr(owner, name), step, spent)))
        yield


def _timing(function: Callable[..., Any], step: str, spent: Counter[str]) -> Callable[..., Any]:
    def timing(*arguments: Any, **named: Any) -> Any:
        began = time.process_time()
        try:
            return function(*arguments, **named)
        finally:
            spent[step] += time.process_time() - began  # type: ignore[assignment]  # seconds

    return timing
