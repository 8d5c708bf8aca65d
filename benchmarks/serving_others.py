"""The servers of two libraries doing just their parts: Feast's gives the packed state, MLflow's scores the candidates.

Both on the benchmark's own state and model, with as many workers as the service, under the same load.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import mlflow.lightgbm
import numpy as np

from config.settings import Settings
from features.store.definitions import STATE, STATE_VIEW
from features.table import CUSTOMER_ID
from models.propensity.model import PropensityModel
from models.propensity.trees import tree_matrix
from serving.service.engine import LiveEngine
from tests.ports import free_port
from wiring.components import Components
from wiring.service import PartsEngines

BODIES = 200
"""Different requests, of as many customers; they are sent again and again."""
CANDIDATES = 20


def feast_bodies(customers: int) -> list[str]:
    """Ask for one customer's packed state each."""
    rng = np.random.default_rng(5)
    names = [f"customer-{number:07d}" for number in rng.integers(customers, size=BODIES)]
    wanted = [f"{STATE_VIEW}:{STATE}"]
    return [json.dumps({"features": wanted, "entities": {CUSTOMER_ID: [name]}}) for name in names]


def mlflow_bodies(engine: LiveEngine, moment: datetime, customers: int) -> list[str]:
    """Ask for the scores of twenty candidates of one customer each, with the columns that the trees see."""
    model = engine.decider.propensity
    assert isinstance(model, PropensityModel)
    pairs = [(offer, treatment.channel) for offer, treatment in engine.decider.policy.candidates.pairs[:CANDIDATES]]
    rng, bodies = np.random.default_rng(6), []
    for number in rng.integers(customers, size=BODIES):
        features = engine.reader.read(f"customer-{number:07d}", moment).features.select(model.names)
        table = features.take(np.zeros(len(pairs), dtype=np.intp))
        family = model.base.families.of_rows(table.columns, pairs, np.arange(len(pairs)))
        inputs = table.select(model.names if model.inputs is None else model.inputs)
        matrix = tree_matrix(inputs, family, model.base.placed(pairs).codes, model.base.families)
        # NaN as Python writes it: with nulls the server makes columns of objects, which the model refuses
        split = {"columns": list(model.contribution_names), "data": matrix.astype(np.float64).tolist()}
        bodies.append(json.dumps({"dataframe_split": split}))
    return bodies


def measure_others(
    components: Components, moment: datetime, folder: Path, environment: Mapping[str, str], options: argparse.Namespace
) -> dict[str, Any]:
    """Load both servers, one after the other.

    Args:
        parts: The bank's, prepared.
        moment: Of the states.
        folder: For files of the moment.
        environment: In which the bank is found.
        options: Of the benchmark.
    """
    engine = PartsEngines(components).build()
    model = engine.decider.propensity
    assert isinstance(model, PropensityModel)
    mlflow.lightgbm.save_model(model.booster, str(folder / "model"))
    feast = [sys.executable, "-m", "benchmarks.serving_others", str(components.folder), str(options.workers)]
    mlflow_command = [sys.executable, "-m", "mlflow", "models", "serve", "--env-manager", "local"]
    mlflow_command += ["-m", str(folder / "model"), "-w", str(options.workers), "-p"]
    asked = {
        "feast": (feast, "/health", "/get-online-features", feast_bodies(options.customers)),
        "mlflow": (mlflow_command, "/ping", "/invocations", mlflow_bodies(engine, moment, options.customers)),
    }
    found = {}
    for name, (command, health, path, bodies) in asked.items():
        file, port = folder / f"{name}.jsonl", free_port()
        file.write_text("\n".join(bodies), encoding="utf-8")
        with running([*command, str(port)], port, health, environment):
            load(port, path, file, 20, 5.0)  # every worker warm
            found[name] = {
                str(rate): load(port, path, file, rate, options.seconds / 3) for rate in (20.0, *options.other_rates)
            }
        print(name, json.dumps(found[name]), flush=True)
    return found


def load(port: int, path: str, bodies: Path, rate: float, seconds: float) -> dict[str, Any]:
    """Send bodies to a path from a process of its own, with open arrivals."""
    command = [sys.executable, "-m", "benchmarks.serving_load", "--port", str(port), "--key", "none"]
    command += ["--per-second", str(rate), "--seconds", str(seconds), "--path", path, "--bodies", str(bodies)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    said: dict[str, Any] = json.loads(done.stdout)
    return {**said["plain"], "others": said["others"]}


@contextmanager
def running(command: Sequence[str], port: int, health: str, environment: Mapping[str, str]) -> Iterator[None]:
    """Run a server for the length of the block."""
    # MLflow looks for uvicorn on the path, and is not its own server's parent: the whole group is ended
    path = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", "")])
    environment = {**environment, "PATH": path, "MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        while not _answers(f"http://127.0.0.1:{port}{health}"):
            if process.poll() is not None:
                raise RuntimeError(f"{command[2]} ended with {process.returncode}")
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main() -> None:
    """Run Feast's server on a bank's online store: `python -m benchmarks.serving_others FOLDER WORKERS PORT`."""
    folder, workers, port = sys.argv[1:]
    parts = Components(Settings.from_environment(os.environ), Path(folder))
    # workers that end after so many requests, as they do by default, would be counted as waiting
    parts.repository.store.serve("127.0.0.1", int(port), workers=int(workers), max_requests=0, max_requests_jitter=0)


if __name__ == "__main__":
    main()
