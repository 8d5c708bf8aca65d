"""A real cluster, whose machines have just what the guide lists, gives the files of one machine, whatever dies."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prefect.client.orchestration import get_client

from pipelines.batch_run import BatchRun
from pipelines.deciding import decide_for_everybody
from pipelines.feature_build import bucket_works
from tests.docs.pages import ROOT
from tests.pipelines.ready_bank import NAME, contents, ready_to_decide
from tests.pipelines.small_bank import SmallBank
from tests.pipelines.spark_cluster import (
    PACKAGES,
    SHORT_LIVED,
    Cluster,
    install,
    java,
    leashed,
    openmp,
    pack,
    started_cluster,
    until,
)
from tests.ports import HOST

MADE = ("states", "stage_history", "feature_store/parts", "decisions", "wishes", "champions")
"""Whatever engines write, and what is made from that."""

FLOWS = """
import sys
from pipelines.deciding import decide_for_everybody
from pipelines.feature_build import build_features
from wiring.components import components_of
# one session for all steps: each would start executors of its own
with components_of(sys.argv[1]).engine.workers():
    build_features(sys.argv[1])
    decide_for_everybody(sys.argv[1])
"""
ONE_BUCKET = """
import json, pickle, sys
sys.path.insert(0, sys.argv[1])
from features.bucket.build import compute_bucket
from serving.batch.bucket import decide_bucket_files, gather_bucket_options
features, night = pickle.load(sys.stdin.buffer)
compute_bucket(features)
reports = [gather_bucket_options(night), decide_bucket_files(night)]
from importlib.metadata import packages_distributions
installed = packages_distributions()
loaded = {name for module in sys.modules for name in installed.get(module.partition(".")[0], ())}
print(json.dumps([sorted(loaded), reports, [path for path in sys.path if "site-packages" in path]]))
"""


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallBank]:
    """For which this machine has decided."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        bank = ready_to_decide(tmp_path_factory.mktemp("bank"), monkeypatch)
        decide_for_everybody(str(bank.folder))
        yield bank


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of the cluster's machines."""
    return install(tmp_path_factory.mktemp("machine") / "environment")


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("code") / "nbo-code.zip")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, python: Path) -> Iterator[Cluster]:
    with started_cluster(tmp_path_factory.mktemp("cluster"), python) as cluster:
        yield cluster


def home_with_the_log_of(bank: SmallBank, place: Path) -> Path:
    """A home in which nothing has been made yet; the models stay where they are tracked."""
    shutil.copytree(bank.parts.places.log, place / "banks" / NAME / "log")
    return place


def test_the_work_of_a_bucket_loads_every_package_of_the_guide_and_no_other(
    bank: SmallBank, python: Path, code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBO_HOME", str(home_with_the_log_of(bank, tmp_path / "home")))
    parts = bank.parts
    midnight = parts.moment(None)
    night = BatchRun(run="one", as_of=midnight, champions=parts.champion_files(), folder=tmp_path / "night")
    works = pickle.dumps((bucket_works(parts, midnight)[3], night.works(parts)[3]))
    command = [python, "-I", "-c", ONE_BUCKET, code]
    environment = {**os.environ, **openmp(tmp_path / "openmp")}
    done = subprocess.run(command, input=works, capture_output=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr.decode()
    loaded, reports, found = json.loads(done.stdout)
    assert loaded == sorted(PACKAGES)
    assert found == [str(next(python.parents[1].glob("lib/*/site-packages")))]
    assert all(report["customers"] > 0 for report in reports)


def flow_server() -> str:
    """Address of the server that flows of this process have; another would need longer to start than the flows take."""
    with get_client(sync_client=True) as client:
        return str(client.api_url)


class Driver:
    """Both flows on a cluster, in a process of their own."""

    def __init__(self, bank: SmallBank, home: Path, cluster: Cluster, code: Path) -> None:
        settings = {
            "spark.submit.pyFiles": str(code),
            "spark.executor.memory": "512m",
            "spark.executor.extraJavaOptions": SHORT_LIVED,
            "spark.driver.extraJavaOptions": SHORT_LIVED,
            "spark.driver.host": HOST,
            "spark.driver.bindAddress": HOST,
        }
        environment = {
            **os.environ,
            **java(),
            "NBO_HOME": str(home),
            "PREFECT_API_URL": flow_server(),
            "NBO_ENGINE": "spark",
            "NBO_SPARK_MASTER": cluster.master,
            "NBO_SPARK_CONF": json.dumps(settings),
            "PYSPARK_PYTHON": str(cluster.python),
            "SPARK_LOCAL_DIRS": str(cluster.folder / "local"),
        }
        self.log = cluster.folder / "driver.log"
        self.process = leashed([sys.executable, "-c", FLOWS, bank.folder], self.log, environment, ROOT)

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()


def test_a_cluster_gives_the_files_of_one_machine_also_when_machines_die(
    bank: SmallBank, cluster: Cluster, code: Path, tmp_path: Path
) -> None:
    home, buckets = home_with_the_log_of(bank, tmp_path / "home"), bank.parts.log.buckets
    made, here = home / "banks" / NAME, bank.parts.places.folder
    with Driver(bank, home, cluster, code) as driver:
        for machine, files in enumerate(("states/*.parquet", "decisions/*/notes/*.json")):
            cluster.add_worker()  # which works on when the machine has died
            until(lambda files=files: list(made.glob(files)), driver.process)
            cluster.kill(machine)
            assert len(list(made.glob(files))) < buckets, "it died in the middle of the work"
        assert driver.process.wait(timeout=900) == 0, driver.log.read_text()
    for folder in MADE:
        expected = contents(here / folder)
        assert len(expected) >= buckets or folder == "champions"
        assert contents(made / folder) == expected, folder


def test_what_a_cluster_runs_ends_with_whoever_started_it_however_that_ended(tmp_path: Path) -> None:
    start = "from pathlib import Path; from tests.pipelines.spark_cluster import leashed; import sys, time; "
    start += "leash = leashed(['/bin/sleep', '600'], Path(sys.argv[1]), {}, Path()); print('started', flush=True); "
    start += "time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", start, tmp_path / "log"], cwd=ROOT, stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"started\n"
        until(lambda: [one.name() for one in psutil.Process(starter.pid).children(recursive=True)][1:] == ["sleep"])
        below = psutil.Process(starter.pid).children(recursive=True)
        starter.kill()
    until(lambda: not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in below))
