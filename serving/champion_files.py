"""The models that are in charge, as text in a folder: what a machine without the registry decides with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.bank import Bank
from serving.decider import Decider
from serving.service.champion_models import load_churn, load_propensity
from serving.service.champions import Champion, Champions


@dataclass(frozen=True, slots=True)
class ChampionFiles:
    """Champions of one moment. Small, for it travels; the files are where every machine sees them.

    Attributes:
        folder: Below which each champion has its files.
        champions: A model without one is left out.
    """

    folder: Path
    champions: Champions

    @property
    def versions(self) -> dict[str, str]:
        """Version and digest by registered name, as decisions cite them."""
        return {champion.name: champion.cited for champion in self.champions.values()}

    def decider(self, bank: Bank, *, num_threads: int = 1) -> Decider:
        """Read the models and put them and the bank's policy together.

        The last one is kept: pieces of work of one run, one after the other in one process, ask for the same.

        Args:
            bank: Its digest says what it is.
            num_threads: Of the models.

        Raises:
            ModelError: Files are missing or damaged, or not those that were registered.
            DataError: The policy has problems.
        """
        wanted = (bank.digest, self.folder, tuple(sorted(self.champions.items())), num_threads)
        if wanted not in _kept:
            found = Decider(
                bank,
                load_churn(self.folder, self.champions),
                load_propensity(self.folder, self.champions),
                self.versions,
                num_threads=num_threads,
            )
            _kept.clear()
            _kept[wanted] = found
        return _kept[wanted]


_kept: dict[tuple[str, Path, tuple[tuple[str, Champion], ...], int], Decider] = {}
