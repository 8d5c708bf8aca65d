"""Paths of a bank's state below `NBO_HOME`."""

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
        """Everything of this bank except models and flow runs, which share servers with other banks."""
        return self.home / "banks" / self.bank

    @property
    def simulated_sources(self) -> Path:
        """Source files of a simulated bank."""
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
        """Customers' states on their way into the online store, one file per bucket."""
        return self.folder / "states"

    @property
    def stage_history(self) -> Path:
        """Customers' past stages, one file per bucket."""
        return self.folder / "stage_history"

    @property
    def decisions(self) -> Path:
        """Decisions of batch runs, one folder per run."""
        return self.folder / "decisions"

    @property
    def deliveries(self) -> Path:
        """Files of contacts for channels that fetch them."""
        return self.folder / "deliveries"

    @property
    def champions(self) -> Path:
        """Model files, one folder per version: services and clusters read them without asking the registry."""
        return self.folder / "champions"

    @property
    def acceptance_rates(self) -> Path:
        """Acceptance rates, which decide while there is too little history for a propensity model."""
        return self.folder / "acceptance_rates"

    @property
    def contact_options(self) -> Path:
        """Contact options, one folder per run, from which prices of budgets are computed."""
        return self.folder / "wishes"

    @property
    def decision_log(self) -> Path:
        """Database of single decisions."""
        return self.folder / "decisions.db"

    @property
    def decisions_archive(self) -> Path:
        """Decisions moved out of the database, by year and month."""
        return self.folder / "decisions_archive"

    @property
    def clock(self) -> Path:
        """The time of the bank's services, and which of them run."""
        return self.folder / "clock"

    @property
    def proposals(self) -> Path:
        """Proposed changes of the bank's folder, one file each."""
        return self.folder / "proposals"

    @property
    def journeys(self) -> Path:
        """Journey figures, and the counts of each bucket that they are made from."""
        return self.folder / "journeys"

    @property
    def reports(self) -> Path:
        """Reports, one folder per moment."""
        return self.folder / "reports"

    @property
    def last_run(self) -> Path:
        """Result of the last complete run; reports are made from it."""
        return self.folder / "last_run.json"

    @property
    def figures(self) -> Path:
        """Figures over time that the console shows."""
        return self.folder / "figures"

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
        """Logs of servers that a command starts together."""
        return self.home / "logs"
