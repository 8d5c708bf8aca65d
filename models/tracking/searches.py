"""Logs a search for parameters as an MLflow run, with a child run for each trial."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from mlflow.entities import Metric, Param, RunTag

from models.tracking.context import PARENT_TAG
from models.tracking.store import TrackingStore, quiet_mlflow
from models.tuning import Found, TriedParameters

SUFFIX: Final = "tuning"
"""Searches have experiments of their own, such as `demo-churn-tuning`: none of their runs is a trained model."""


@dataclass(frozen=True, slots=True)
class SearchRun:
    """The run of a search that goes on.

    Attributes:
        experiment: Id of its MLflow experiment.
        run_id: Id of its run, the parent of the trials' runs.
    """

    store: TrackingStore
    experiment: str
    run_id: str

    def log_trial(self, tried: TriedParameters) -> None:
        """Log a finished trial as a child run, with its log loss fold by fold."""
        client, now = self.store.client, int(time.time() * 1000)
        state = "complete" if tried.complete else "stopped early"
        with quiet_mlflow():
            child = client.create_run(
                self.experiment, tags={PARENT_TAG: self.run_id, "state": state}, run_name=f"trial {tried.number}"
            ).info.run_id
            client.log_batch(
                child,
                metrics=[Metric("log_loss", loss, now, fold) for fold, loss in enumerate(tried.losses)],
                params=[Param(name, str(value)) for name, value in tried.parameters.items()],
            )
            client.set_terminated(child, "FINISHED")

    def log_result(self, found: Found, command: Sequence[str]) -> None:
        """Log what the search found, and the command that trains it."""
        now, stopped = int(time.time() * 1000), sum(not one.complete for one in found.tried)
        numbers = {
            "trials": len(found.tried),
            "trials_stopped_early": stopped,
            "log_loss_before": found.own_loss,
            "log_loss_better": found.better,
            "log_loss_noise": found.noise,
        }
        with quiet_mlflow():
            self.store.client.log_batch(
                self.run_id,
                metrics=[Metric(name, float(value), now, 0) for name, value in numbers.items()],
                tags=[RunTag("mlflow.note.content", " ".join(command))],
            )


@contextmanager
def search_run(
    store: TrackingStore, bank: str, model: str, name: str, facts: Mapping[str, object]
) -> Iterator[SearchRun]:
    """Begin the run of a search, and end it with the block.

    Args:
        store: Tracking store.
        bank: Name of the bank.
        model: `churn` or `propensity`.
        name: Name of the experiment that the search is for.
        facts: Data, settings and seed of the search.
    """
    experiment = store.experiment_id(f"{bank}-{model}-{SUFFIX}")
    with quiet_mlflow():
        run_id = store.client.create_run(experiment, tags={"search": model}, run_name=name).info.run_id
        store.client.log_batch(run_id, params=[Param(key, str(value)) for key, value in facts.items()])
    try:
        yield SearchRun(store, experiment, run_id)
    except BaseException:
        store.client.set_terminated(run_id, "FAILED")
        raise
    store.client.set_terminated(run_id, "FINISHED")
