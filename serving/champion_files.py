"""Champion models as files in a folder, for machines that decide without access to the registry."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from config.bank import Bank
from serving.decider import Decider
from serving.service.champion_models import load_churn, load_propensity
from serving.service.champions import Champion, Champions


@dataclass(frozen=True, slots=True)
class ChampionFiles:
    """The champions at one moment. Small enough to send to workers; the files are where every machine sees them.

    Attributes:
        folder: Folder that holds the files of each champion.
        champions: Champions; a model without one is absent.
    """

    folder: Path
    champions: Champions

    @property
    def versions(self) -> dict[str, str]:
        """Version and digest by registered name, as decisions cite them."""
        return {champion.name: champion.cited for champion in self.champions.values()}

    def decider(self, bank: Bank, *, num_threads: int = 1) -> Decider:
        """Load the models and combine them with the bank's policy.

        The latest result is cached, because consecutive tasks of a run in one process need the same decider.

        Args:
            bank: The bank; identified by its digest in the cache.
            num_threads: Threads of the models.

        Raises:
            ModelError: Files are missing, damaged, or differ from what was registered.
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
