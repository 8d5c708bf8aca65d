"""Scheduled flows of a bank: no overlapping runs of a flow, and no backlog after an outage."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import chdir
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prefect import Flow, serve
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy, FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.deployments.runner import RunnerDeployment
from prefect.schedules import Cron
from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings
from prefect.states import Cancelled, Crashed
from prefect.types.entrypoint import EntrypointType

from config.bank import Bank
from domain.errors import DataError
from pipelines.archiving import archive_old_decisions
from pipelines.delivering import deliver_contacts
from pipelines.scheduled_flows import decide_and_report, import_and_build_features, train_and_judge
from pipelines.watching import watch_bank


def deployments_of(bank: Bank, folder: Path) -> tuple[RunnerDeployment, ...]:
    """List the scheduled flows of a bank; each runs at most once at a time, and a second run is cancelled.

    Raises:
        DataError: The bank's folder has no cron line.
    """
    flows: dict[str, tuple[Flow[..., Any], str | None]] = {
        "features": (import_and_build_features, bank.schedule.features),
        "train": (train_and_judge, bank.schedule.train),
        "decide": (decide_and_report, bank.schedule.decide),
        "deliver": (deliver_contacts, bank.schedule.deliver),
        "watch": (watch_bank, bank.schedule.watch),
        "archive": (archive_old_decisions, bank.schedule.archive),
    }
    deployments = tuple(
        _deployment(bank, folder, name, flow, cron) for name, (flow, cron) in flows.items() if cron is not None
    )
    if not deployments:
        raise DataError(
            f"bank {bank.identity.name} has nothing to schedule",
            expected="a cron line for features, train, decide, deliver, watch or archive",
            remedy=f"write one into {folder.name}/schedule.yaml",
        )
    return deployments


def _deployment(bank: Bank, folder: Path, name: str, flow: Flow[..., Any], cron: str) -> RunnerDeployment:
    deployment = flow.to_deployment(
        name=f"{bank.identity.name}-{name}",
        schedule=Cron(cron, timezone=bank.identity.time_zone),
        parameters={"bank_folder": str(folder.resolve())},
        concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        entrypoint_type=EntrypointType.MODULE_PATH,
        tags=["nbo", bank.identity.name],
    )
    assert isinstance(deployment, RunnerDeployment), "a coroutine only inside an event loop"
    return deployment


def skip_missed_runs(client: SyncPrefectClient, deployment_names: Sequence[str], now: datetime) -> tuple[FlowRun, ...]:
    """Cancel the runs that were due while nothing ran, except the latest of each deployment.

    Returns:
        The cancelled runs.
    """
    cancelled: list[FlowRun] = []
    for name in deployment_names:
        late = client.read_flow_runs(
            deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[name])),
            flow_run_filter=FlowRunFilter(
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
                expected_start_time=FlowRunFilterExpectedStartTime.model_validate({"before_": now}),
            ),
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=200,
        )
        for run in late[1:]:
            client.set_flow_run_state(
                run.id, Cancelled(message="missed while nothing ran; the latest runs"), force=True
            )
            cancelled.append(run)
    return tuple(cancelled)


def end_lost_runs(client: SyncPrefectClient, deployment_names: Sequence[str]) -> tuple[FlowRun, ...]:
    """Mark runs as crashed that a newly started server still lists as running, because their process is gone.

    Otherwise such a run would hold the only slot of its deployment, and every later run would be cancelled.

    Returns:
        The runs marked as crashed.
    """
    lost = client.read_flow_runs(
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=list(deployment_names))),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(
                type=FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
            )
        ),
    )
    for run in lost:
        client.set_flow_run_state(run.id, Crashed(message="its process ended without reporting it"))
    return tuple(lost)


def serve_schedules(bank: Bank, folder: Path, api_url: str, *, alone: bool) -> None:
    """Serve the flows of a bank until interrupted.

    Args:
        bank: The bank, as read from the folder.
        folder: The bank's folder, which the flows read again, each in a separate process.
        api_url: URL of the Prefect server's API. It is set here, because prefect reads the environment on import: if
            flows and this process used different servers, every run would be cancelled for lack of a slot.
        alone: Whether the server was started for this call, so that nothing else runs on it.
    """
    deployments = deployments_of(bank, folder)
    names = [deployment.name for deployment in deployments]
    with temporary_settings({PREFECT_API_URL: api_url, PREFECT_LOGGING_LEVEL: "INFO"}):
        with get_client(sync_client=True) as client:
            if alone:
                end_lost_runs(client, names)
            skip_missed_runs(client, names, datetime.now(UTC))
        serve_beside_our_packages(deployments)


def serve_beside_our_packages(deployments: Sequence[RunnerDeployment]) -> None:
    """Serve until interrupted, from nbo's own folder.

    A flow run's process imports packages first from the folder in which it starts; the user's folder might contain
    others with the same names. All paths are absolute by now.
    """
    with chdir(Path(__file__).parents[1]):
        serve(*deployments, print_starting_message=False)
