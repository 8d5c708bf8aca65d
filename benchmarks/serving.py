"""The real-time service under load, beside the model and feature servers of its libraries. `make bench-serving`."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import psutil

from benchmarks.measure import surroundings
from benchmarks.pages import write_page
from benchmarks.serving_load import summary
from benchmarks.serving_others import measure_others
from benchmarks.serving_world import CHANNELS, NAME, write_bank
from config.settings import Settings
from features.state import STAGE_SLOTS, States
from features.store.state_files import StateFiles
from models.registry import CHALLENGER
from serving.champions import read_champions
from tests.ports import free_port
from wiring.components import MODELS, Components

RESULTS = Path(__file__).parent / "results" / "serving.json"
KEY = "nbo_benchmark_key"
RATES = (100, 200, 500, 1_000)
FEWEST_TREES = 100
"""Trees that each model must have at least, as the models of a whole bank have."""
EVENTS_PER_SECOND = 1_000
QUIET: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs.

    Attributes:
        startup_seconds: Until it was ready.
    """

    port: int
    process: subprocess.Popen[bytes]
    startup_seconds: float


def main() -> None:
    """Measure, write the numbers and the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--simulated", type=int, default=3_000, help="customers that states and models are made from")
    parser.add_argument("--months", type=int, default=14)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each rate")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--other-rates", type=float, nargs="+", default=[200.0], help="of the servers beside it")
    parser.add_argument("--home", type=Path, help="keep the state here, and use it again")
    parser.add_argument("--before", type=Path, help="another checkout, measured in the same run on the same state")
    options = parser.parse_args()
    with TemporaryDirectory() as temporary:
        home = (options.home or Path(temporary)).resolve()
        loads = [os.getloadavg()[0]]
        moment = prepare(home, options)
        loads.append(os.getloadavg()[0])
        before = {}
        if options.before is not None:
            with serving(home, moment, options.workers, options.before.resolve()) as served:
                before = {"before": measure(served, options)}
            moment = prepare(home, options)
        with serving(home, moment, options.workers) as served:
            results = {**measure(served, options, reasons=True), **before}
        results["beside"] = measure_others(_parts(home), moment, Path(temporary), _environment(home), options)
        loads.append(os.getloadavg()[0])
    RESULTS.parent.mkdir(exist_ok=True)
    whole = {
        "surroundings": surroundings("fastapi", "uvicorn", "orjson", "lightgbm", "feast", "sqlalchemy", "numpy"),
        "load_average_before": float(np.mean(loads[:-1])),
        "customers": options.customers,
        "workers": options.workers,
        **results,
    }
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    write_page()


def prepare(home: Path, options: argparse.Namespace) -> datetime:
    """Run the bank, and put the states of so many customers online; where that is done, only say the moment.

    Returns:
        Noon of the day of the states.
    """
    folder, done = home / "folder", home / "prepared.json"
    if not done.exists():
        write_bank(folder, customers=options.simulated, months=options.months)
        run_nbo(home, "run")
        parts = _parts(home)
        # few customers give wide intervals, for which the gate may refuse a model: here it only has to be one
        for model in MODELS:
            challenger = parts.models.registry.find(f"{NAME}-{model}", CHALLENGER)
            if challenger is not None:
                parts.models.registry.promote(challenger)
        run_nbo(home, "champions")
        champions = read_champions(parts.places.champions) or {}
        trees = {model: _trees(parts.places.champions / champions[model].folder / "booster.txt") for model in MODELS}
        assert min(trees.values()) >= FEWEST_TREES, trees
        midnight = copy_states(parts, options.customers)
        done.write_text(json.dumps({"midnight": midnight, "customers": options.customers}), encoding="utf-8")
    said = json.loads(done.read_text(encoding="utf-8"))
    assert said["customers"] == options.customers, "the kept state has another number of customers"
    # the clock begins anew, and nothing may have been decided or told later than now
    for file in (home / "banks" / NAME).glob("decisions.db*"):
        file.unlink()
    return datetime.fromtimestamp(said["midnight"] / 1e6, tz=UTC) + timedelta(hours=12)


def copy_states(components: Components, customers: int) -> int:
    """Put as many customers online as asked for; tells their midnight.

    Each has the state of a simulated customer in which a third of the slots are those of another one, so that no two
    are alike.
    """
    files = StateFiles(components.places.states)
    found = [files.read(file.stem) for file in sorted(components.places.states.glob("*.parquet"))]
    found = [states for states in found if len(states)]
    matrix = np.concatenate([states.matrix for states in found])
    names = np.array([f"customer-{number:07d}" for number in range(customers)], dtype=object)
    rng = np.random.default_rng(5)
    mixed = matrix[np.arange(customers) % len(matrix)]
    others = matrix[rng.integers(len(matrix), size=customers)]
    others_slots = rng.random(mixed.shape) < 1 / 3
    others_slots[:, -STAGE_SLOTS:] = False  # which belong together
    mixed[others_slots] = others[others_slots]
    copied = States(names, mixed, found[0].midnight, found[0].layout)
    components.online.materialise(copied, datetime.now(UTC))
    return found[0].midnight


def run_nbo(home: Path, command: str, checkout: Path | None = None) -> None:
    """Run a command of `nbo` on the benchmark's bank."""
    words = [sys.executable, "-m", "nbo", "--bank", str(home / "folder"), command]
    subprocess.run(words, env=_environment(home, checkout), cwd=checkout, check=True, **QUIET)


def _trees(file: Path) -> int:
    return sum(line.startswith("Tree=") for line in file.read_text(encoding="utf-8").splitlines())


@contextmanager
def serving(home: Path, moment: datetime, workers: int, checkout: Path | None = None) -> Iterator[Served]:
    """Run the service for the length of the block, that of another checkout if one is given."""
    port = free_port()
    command = [sys.executable, "-m", "nbo", "--bank", str(home / "folder"), "serve", "--port", str(port)]
    local = moment.astimezone(_parts(home).bank.time_zone)
    command += ["--workers", str(workers), "--as-of", f"{local:%Y-%m-%dT%H:%M:%S}"]
    keys = [{"name": "bench", "sha256": sha256(KEY.encode()).hexdigest(), "scopes": ["admin"]}]
    run_nbo(home, "champions", checkout)
    began = time.perf_counter()
    environment = {**_environment(home, checkout), "NBO_API_KEYS": json.dumps(keys)}
    process = subprocess.Popen(command, env=environment, cwd=checkout, **QUIET)
    try:
        while not _is_ready(port):
            if process.poll() is not None:
                raise RuntimeError(f"the service ended with {process.returncode}")
            time.sleep(0.1)
        yield Served(port, process, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait()


def measure(served: Served, options: argparse.Namespace, *, reasons: bool = False) -> dict[str, Any]:
    """Ask singly, with reasons too if the service can be asked for them, then at each rate, then tell events."""
    load(served, options, per_second=50, seconds=5)  # every worker warm
    results: dict[str, Any] = {"startup_seconds": served.startup_seconds, "single": single(served, options)}
    if reasons:
        results["single_with_reasons"] = single(served, options, reasons=True)
    print("single", json.dumps(results["single"]), flush=True)
    before = _metrics(served)
    results["rates"] = []
    for rate in RATES:
        began = cpu_seconds(served.process.pid)
        said = load(served, options, per_second=rate, seconds=options.seconds)
        spent = (cpu_seconds(served.process.pid) - began) / said["decisions"]["requests"] * 1e3
        results["rates"].append({"decisions_per_second": rate, "cpu_ms_per_decision": spent, **said})
        print(json.dumps(results["rates"][-1]), flush=True)
    results["profile"] = _profile(before, _metrics(served))
    events = {"per_second": EVENTS_PER_SECOND / 20, "seconds": options.seconds / 2, "events_together": 20}
    results["events_in_batches"] = {
        "events_per_second": EVENTS_PER_SECOND,
        **load(served, options, share=1.0, **events),
    }
    one_by_one = load(served, options, share=1.0, per_second=EVENTS_PER_SECOND, seconds=options.seconds / 2)
    results["events_one_by_one"] = {"events_per_second": EVENTS_PER_SECOND, **one_by_one}
    print(json.dumps(results["events_in_batches"]), json.dumps(one_by_one), flush=True)
    results["megabytes_per_worker"] = megabytes(served.process.pid)
    return results


def single(
    served: Served, options: argparse.Namespace, requests: int = 1_000, *, reasons: bool = False
) -> dict[str, float]:
    """Ask one after the other, on one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    rng, milliseconds = np.random.default_rng(3), []
    for _ in range(requests):
        customer = f"customer-{rng.integers(options.customers):07d}"
        body = json.dumps(
            {"customer_id": customer, "channel": str(rng.choice(CHANNELS)), **({"reasons": True} if reasons else {})}
        )
        began = time.perf_counter()
        connection.request("POST", "/v1/decisions", body, {"X-API-Key": KEY, "Content-Type": "application/json"})
        answer = connection.getresponse()
        content = answer.read()
        milliseconds.append((time.perf_counter() - began) * 1e3)
        assert answer.status == 200, content
        assert json.loads(content)["features_from"] == "state", content
    return summary(milliseconds)


def load(
    served: Served,
    options: argparse.Namespace,
    *,
    per_second: float,
    seconds: float,
    share: float = 0.2,
    events_together: int = 1,
) -> dict[str, Any]:
    """Send load from a process of its own; the rate is of decisions, events come on top."""
    whole = per_second / (1.0 - share) if share < 1.0 else per_second
    words = {
        "port": served.port,
        "key": KEY,
        "per-second": whole,
        "seconds": seconds,
        "share-of-events": share,
        "events-together": events_together,
        "customers": options.customers,
        "seed": time.time_ns() % 1_000_000_007,
    }
    command = [sys.executable, "-m", "benchmarks.serving_load"]
    command += [word for name, value in words.items() for word in (f"--{name}", str(value))]
    command += ["--channels", *CHANNELS]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _metrics(served: Served) -> dict[str, float]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    connection.request("GET", "/metrics", headers={"X-API-Key": KEY})
    text = connection.getresponse().read().decode()
    steps = re.findall(r'nbo_step_seconds_(sum|count)\{[^}]*step="(\w+)"[^}]*\} (\S+)', text)
    return {f"{step} {what}": float(value) for what, step, value in steps}


def _profile(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Mean milliseconds of each step of a decision between two looks."""
    steps = [name.removesuffix(" count") for name in after if name.endswith(" count")]
    spent = {name: after[f"{name} sum"] - before.get(f"{name} sum", 0.0) for name in steps}
    times = {name: after[f"{name} count"] - before.get(f"{name} count", 0.0) for name in steps}
    return {name: spent[name] / times[name] * 1e3 for name in steps if times[name]}


def workers_of(parent: int) -> dict[int, float]:
    """Resident megabytes of the processes that answer, by their id: the command, and its workers."""
    command = psutil.Process(parent)
    aside = ("champions", "resource_tracker")
    mine = [one for one in (command, *command.children()) if not any(name in " ".join(one.cmdline()) for name in aside)]
    return {one.pid: round(one.memory_info().rss / 2**20, 1) for one in mine}


def cpu_seconds(parent: int) -> float:
    """Processor seconds of these processes so far; what events cost is among them."""
    times = [psutil.Process(pid).cpu_times() for pid in workers_of(parent)]
    return sum(one.user + one.system for one in times)


def megabytes(parent: int) -> list[float]:
    """Resident memory of these processes."""
    return list(workers_of(parent).values())


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _environment(home: Path, checkout: Path | None = None) -> dict[str, str]:
    of_checkout = {} if checkout is None else {"PYTHONPATH": str(checkout)}
    tracking = f"sqlite:///{home / 'mlflow' / 'mlflow.db'}"
    return {**os.environ, "NBO_HOME": str(home), "MLFLOW_TRACKING_URI": tracking, **of_checkout}


def _parts(home: Path) -> Components:
    return Components(Settings.from_environment(_environment(home)), home / "folder")


if __name__ == "__main__":
    main()
