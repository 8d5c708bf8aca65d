"""Silences MLflow's progress bars, migration notices and links."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_PROGRESS_BAR = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"


@contextmanager
def quiet_mlflow() -> Iterator[None]:
    """Keep MLflow's notices and progress bars off the terminal, which belongs to the flow; warnings stay.

    MLflow resets its logger's level on import, so this wraps calls instead.
    """
    logger = logging.getLogger("mlflow")
    level, bar = logger.level, os.environ.get(_PROGRESS_BAR)
    logger.setLevel(logging.WARNING)
    os.environ[_PROGRESS_BAR] = "false"
    try:
        with warnings.catch_warnings():
            # a warning about one of MLflow's own classes, on first import
            warnings.filterwarnings("ignore", message=".*Any type hint is inferred as AnyType", category=UserWarning)
            # MLflow writes files with a function that Python 3.14 deprecates
            warnings.filterwarnings("ignore", message=r"codecs\.open\(\) is deprecated", category=DeprecationWarning)
            yield
    finally:
        logger.setLevel(level)
        if bar is None:
            os.environ.pop(_PROGRESS_BAR, None)
        else:
            os.environ[_PROGRESS_BAR] = bar
