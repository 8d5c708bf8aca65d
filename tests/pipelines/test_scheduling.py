from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.server.schemas.schedules import CronSchedule
from prefect.states import Pending, Running, Scheduled, State
from prefect.types.entrypoint import EntrypointType

from config.bank import Bank
from config.operations import Schedule
from config.reading import load_bank
from domain.errors import DataError
from pipelines.scheduling import deployments_of, end_lost_runs, serve_beside_our_packages, skip_missed_runs
from tests.pipelines.small_bank import DEMO


@pytest.fixture(scope="module")
def bank() -> Bank:
    return load_bank(DEMO)


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def test_every_cron_line_is_a_deployment_in_the_banks_time_zone(bank: Bank) -> None:
    deployments = deployments_of(bank, DEMO)
    assert [deployment.name for deployment in deployments] == ["demo-features", "demo-train", "demo-decide"]
    lines = (bank.schedule.features, bank.schedule.train, bank.schedule.decide)
    for deployment, cron in zip(deployments, lines, strict=True):
        (schedule,) = deployment.schedules or ()
        assert schedule.schedule.cron == cron
        assert schedule.schedule.timezone == "Europe/Amsterdam"


@pytest.mark.parametrize("change", [datetime(2026, 3, 29), datetime(2026, 10, 25)], ids=["missing", "twice"])  # noqa: DTZ001
@pytest.mark.parametrize("line", ["0 2 * * *", "30 2 * * *", "59 2 * * *", "0 3 * * *"])
def test_a_line_in_the_hour_that_is_missing_or_comes_twice_runs_once_that_day(
    bank: Bank, line: str, change: datetime
) -> None:
    (deployment,) = deployments_of(replace(bank, schedule=Schedule(decide=line)), DEMO)
    (schedule,) = deployment.schedules or ()
    # as the server reads it, which asks again and again from other moments
    served = CronSchedule.model_validate(schedule.schedule.model_dump())
    noon = (change - timedelta(hours=36)).replace(tzinfo=bank.time_zone)
    asked = [noon.astimezone(UTC) + timedelta(minutes=20 * turn) for turn in range(3 * 72)]
    found = {moment.astimezone(UTC) for start in asked for moment in asyncio.run(served.get_dates(n=2, start=start))}
    days = Counter(moment.astimezone(bank.time_zone).date() for moment in found)
    whole = [(change + timedelta(days=day)).date() for day in (0, 1)]
    assert [days[day] for day in whole] == [1, 1]
    near = [moment.astimezone(bank.time_zone) for moment in found]
    assert all(1 <= moment.hour <= 3 for moment in near)


def test_a_run_that_is_still_going_is_not_started_twice(bank: Bank) -> None:
    for deployment in deployments_of(bank, DEMO):
        assert deployment.concurrency_limit == 1
        assert deployment.concurrency_options is not None
        assert deployment.concurrency_options.collision_strategy is ConcurrencyLimitStrategy.CANCEL_NEW


def test_a_deployment_is_found_from_any_folder(bank: Bank, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(DEMO.parent)
    for deployment in deployments_of(bank, Path("demo")):
        assert deployment.parameters == {"bank_folder": str(DEMO)}
        assert deployment._entrypoint_type is EntrypointType.MODULE_PATH
        assert deployment.entrypoint is not None
        assert deployment.entrypoint.startswith("pipelines.scheduled_flows.")


def test_a_flow_run_finds_our_packages_whatever_lies_in_the_folder_of_the_command(
    bank: Bank, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").write_text("raise RuntimeError('not nbo')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # as the command does
    loading = "from prefect.flows import load_flow_from_entrypoint as load; [print(load(one).name) for one in {!r}]"
    found: list[str] = []

    def serve(*deployments: RunnerDeployment, **options: object) -> None:
        """Do what the process of each flow run does first; one process for all, for it imports everything."""
        code = loading.format([deployment.entrypoint for deployment in deployments])
        ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        found.extend(ended.stdout.splitlines()[-len(deployments) :])

    monkeypatch.setattr("pipelines.scheduling.serve", serve)
    deployments = deployments_of(bank, DEMO)
    serve_beside_our_packages(deployments)
    assert found == [deployment.flow_name for deployment in deployments]
    with pytest.raises(subprocess.CalledProcessError):  # so it would be in the command's own folder
        serve(*deployments)


def test_a_flow_without_a_line_is_not_scheduled(bank: Bank) -> None:
    only = replace(bank, schedule=Schedule(decide="30 5 * * *"))
    assert [deployment.name for deployment in deployments_of(only, DEMO)] == ["demo-decide"]


def test_a_bank_without_lines_is_told_what_to_write(bank: Bank) -> None:
    with pytest.raises(DataError, match=r"write one into demo/schedule\.yaml"):
        deployments_of(replace(bank, schedule=Schedule()), DEMO)


def test_of_the_runs_that_were_missed_only_the_latest_is_left(bank: Bank, client: SyncPrefectClient) -> None:
    features, _, decide = deployments_of(bank, DEMO)
    now = datetime.now(UTC)
    late, others = [], []
    for deployment, runs in ((features, late), (decide, others)):
        found = client.read_deployment(deployment.apply())
        for days in (3, 1, 2, -1):
            at = now - timedelta(days=days)
            runs.append(client.create_flow_run_from_deployment(found.id, state=Scheduled(scheduled_time=at)))
    cancelled = skip_missed_runs(client, [features.name], now)
    assert [run.id for run in cancelled] == [late[2].id, late[0].id]
    states = {run.id: client.read_flow_run(run.id).state for run in (*late, *others)}
    assert [states[run.id].is_cancelled() for run in late] == [True, False, True, False]
    assert not any(states[run.id].is_cancelled() for run in others), "other deployments are left alone"
    assert skip_missed_runs(client, [features.name], now) == ()


def test_a_run_that_was_lost_with_its_server_gives_its_slot_back(bank: Bank, client: SyncPrefectClient) -> None:
    (decide,) = deployments_of(replace(bank, schedule=Schedule(decide="30 5 * * *")), DEMO)
    deployment = decide.apply()
    lost, refused, later = (client.create_flow_run_from_deployment(deployment).id for _ in range(3))
    client.set_flow_run_state(lost, Pending())
    client.set_flow_run_state(lost, Running())
    client.set_flow_run_state(refused, Pending())
    assert state_of(client, refused).is_cancelled(), "the slot is taken"
    assert [run.id for run in end_lost_runs(client, [decide.name])] == [lost]
    assert state_of(client, lost).is_crashed()
    client.set_flow_run_state(later, Pending())
    assert state_of(client, later).is_pending()
    assert len(end_lost_runs(client, [decide.name])) == 1


def state_of(client: SyncPrefectClient, run: UUID) -> State[object]:
    state = client.read_flow_run(run).state
    assert state is not None
    return state
