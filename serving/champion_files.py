"""The models that are in charge, as text in a folder: what a machine without the registry decides with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from config.bank import Bank
from models.churn.model import ChurnModel
from models.propensity.model import PropensityModel
from serving.decider import Decider

CHURN, PROPENSITY = "churn", "propensity"


@dataclass(frozen=True, slots=True)
class ChampionFiles:
    """Champions of one moment. Small, for it travels; the files are where every machine sees them.

    Attributes:
        folders: By model, of the files that it writes itself; a model without champion is left out.
        versions: Version and digest by registered name, as decisions cite them.
    """

    folders: Mapping[str, Path]
    versions: Mapping[str, str]

    def decider(self, bank: Bank, *, num_threads: int) -> Decider:
        """Read the models and put them and the bank's policy together.

        The last one is kept: pieces of work of one run, one after the other in one process, ask for the same.

        Args:
            bank: Its digest says what it is.
            num_threads: Of the models.

        Raises:
            ModelError: Files are missing or damaged.
            DataError: The policy has problems.
        """
        wanted = (bank.digest, tuple(self.folders.items()), tuple(self.versions.items()), num_threads)
        if wanted not in _kept:
            found = self._read(bank, num_threads)
            _kept.clear()
            _kept[wanted] = found
        return _kept[wanted]

    def _read(self, bank: Bank, num_threads: int) -> Decider:
        churn, propensity = self.folders.get(CHURN), self.folders.get(PROPENSITY)
        return Decider(
            bank,
            None if churn is None else ChurnModel.from_files(churn),
            None if propensity is None else PropensityModel.from_files(propensity),
            self.versions,
            num_threads=num_threads,
        )


_kept: dict[tuple[object, ...], Decider] = {}
