"""Where the state of a bank lies below `NBO_HOME`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """Folders and files of one bank.

    Example:
        >>> Places(Path("/srv/nbo"), "demo").log.as_posix()
        '/srv/nbo/banks/demo/log'
    """

    home: Path
    bank: str

    @property
    def folder(self) -> Path:
        """Everything of this bank but models and flow runs, which banks share a server for."""
        return self.home / "banks" / self.bank

    @property
    def simulated_sources(self) -> Path:
        """What a simulated bank's systems deliver."""
        return self.folder / "sources"

    @property
    def log(self) -> Path:
        """The event log."""
        return self.folder / "log"

    @property
    def quarantine(self) -> Path:
        """Rows that were not accepted, with their reasons."""
        return self.folder / "quarantine"

    @property
    def feature_store(self) -> Path:
        """Feast: registry, offline parts, online state."""
        return self.folder / "feature_store"

    @property
    def states(self) -> Path:
        """Customers' states on their way into the online store, one file a bucket of customers."""
        return self.folder / "states"

    @property
    def stage_history(self) -> Path:
        """Stages that customers went through, one file a bucket of customers."""
        return self.folder / "stage_history"

    @property
    def decisions(self) -> Path:
        """Decisions for everybody, a folder a run."""
        return self.folder / "decisions"

    @property
    def deliveries(self) -> Path:
        """Files of contacts for channels that fetch them."""
        return self.folder / "deliveries"

    @property
    def champions(self) -> Path:
        """Files of models, a folder a version: services and clusters find them without asking the registry."""
        return self.folder / "champions"

    @property
    def contact_options(self) -> Path:
        """What could be sent to everybody, a folder a run: what prices of budgets are found from."""
        return self.folder / "wishes"

    @property
    def decision_log(self) -> Path:
        """Database of decisions made one by one."""
        return self.folder / "decisions.db"

    @property
    def decisions_archive(self) -> Path:
        """Decisions that moved out of the database, by year and month."""
        return self.folder / "decisions_archive"

    @property
    def clock(self) -> Path:
        """The time at which services serve the bank, and which of them run."""
        return self.folder / "clock"

    @property
    def reports(self) -> Path:
        """Reports, a folder a moment."""
        return self.folder / "reports"

    @property
    def last_run(self) -> Path:
        """What the last whole run said of itself; reports are made from it."""
        return self.folder / "last_run.json"

    @property
    def model_artefacts(self) -> Path:
        """MLflow's artefacts."""
        return self.home / "mlflow" / "artefacts"

    @property
    def prefect(self) -> Path:
        """Prefect's database and the results of its steps."""
        return self.home / "prefect"

    @property
    def logs(self) -> Path:
        """What servers say that a command starts beside each other."""
        return self.home / "logs"
