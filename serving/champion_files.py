"""Loading champions: the one way in which services, batch runs and clusters get their models, and it checks digests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from config.bank import Bank
from domain.errors import ModelError
from domain.pause import Pause
from models.learners import read_model
from models.tracking.files import files_digest
from serving.beside import Beside, ModelArm, Shadow, slice_trial
from serving.champions import IN_CHARGE, SHADOW, SLICE, Champions, PublishedModel, of_arm
from serving.decider import Decider
from serving.scorers import ChurnScorer, PropensityScorer

_LOG: Final = logging.getLogger("nbo.models")


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
        return {one.name: one.cited for role, one in self.champions.items() if role in IN_CHARGE}

    @property
    def all_versions(self) -> list[dict[str, str]]:
        """The same for the champions, and for each model that decides in place of one."""
        arms = [one for role, one in self.champions.items() if role not in {*IN_CHARGE, SHADOW}]
        return [self.versions, *({**self.versions, arm.name: arm.cited} for arm in arms)]

    def decider(self, bank: Bank, *, num_threads: int = 1) -> Decider:
        """Load the models and combine them with the bank's policy.

        The latest result is cached, because consecutive tasks of a run in one process need the same decider.

        Args:
            bank: The bank; identified by its digest and pauses in the cache.
            num_threads: Threads of the models.

        Raises:
            ModelError: Files are missing, damaged, or differ from what was registered.
            DataError: The policy has problems.
        """
        wanted = (bank.digest, bank.pauses, self.folder, tuple(sorted(self.champions.items())), num_threads)
        if wanted not in _kept:
            found = Decider(
                bank,
                load_churn(self.folder, self.champions),
                load_propensity(self.folder, self.champions),
                self.versions,
                num_threads=num_threads,
                beside=_beside(bank, self.folder, self.champions),
            )
            _kept.clear()
            _kept[wanted] = found
        return _kept[wanted]


_kept: dict[tuple[str, tuple[Pause, ...], Path, tuple[tuple[str, PublishedModel], ...], int], Decider] = {}


def _beside(bank: Bank, folder: Path, champions: Champions) -> Beside:
    """Read the models beside the champions; one that cannot be read is left out, because the champion decides then."""
    found: dict[str, tuple[PublishedModel, PropensityScorer]] = {}
    for role in champions.keys() - set(IN_CHARGE):
        try:
            scorer: PropensityScorer | None = _load(folder, champions.get(role), read_model)
        except ModelError as error:
            _LOG.error("the model of %s is left out: %s", role, error)
        else:
            assert scorer is not None, "it is in the manifest"
            found[role] = champions[role], scorer
    arms = [
        ModelArm(name="", cited="", scorer=None, trial=trial, arm=position)
        if one is None
        else ModelArm(name=one[0].name, cited=one[0].cited, scorer=one[1], trial=trial, arm=position)
        for trial in bank.policy.trials
        if trial.models
        for position, arm in enumerate(trial.arms)
        for one in (found.get(of_arm(trial.name, arm)),)
    ]
    if SLICE in found:
        model, scorer = found[SLICE]
        trial = slice_trial(model.name, model.version, bank.models.rollout.slice_share)
        arms.append(ModelArm(name=model.name, cited=model.cited, scorer=scorer, trial=trial, arm=0))
    shadow = None if SHADOW not in found else Shadow(cited=found[SHADOW][0].cited, scorer=found[SHADOW][1])
    return Beside(shadow=shadow, arms=tuple(arms))


Model = TypeVar("Model")


def load_churn(folder: Path, champions: Champions) -> ChurnScorer | None:
    """Read the churn champion; return None if there is none.

    Raises:
        ModelError: Its files are missing or differ from what was registered.
    """
    return _load(folder, champions.get("churn"), read_model)


def load_propensity(folder: Path, champions: Champions) -> PropensityScorer | None:
    """Read the propensity champion, or the acceptance rates that replace it; return None if there is neither.

    Raises:
        ModelError: Its files are missing or differ from what was registered.
    """
    return _load(folder, champions.get("propensity"), read_model)


def former_propensity(folder: Path, versions: Mapping[str, str]) -> PropensityScorer | None:
    """Read the propensity model that a decision cites; return None if its files are not kept any more.

    Args:
        folder: Folder that holds the files of present and former champions.
        versions: Versions that the decision cites, by registered name.
    """
    files = _former(folder, versions, "propensity")
    found: PropensityScorer | None = None if files is None else read_model(files)
    return found


def former_churn(folder: Path, versions: Mapping[str, str]) -> ChurnScorer | None:
    """Read the churn model that a decision cites, as `former_propensity` does."""
    files = _former(folder, versions, "churn")
    found: ChurnScorer | None = None if files is None else read_model(files)
    return found


def _former(folder: Path, versions: Mapping[str, str], model: str) -> Path | None:
    for name, cited in versions.items():
        version, _, digest = cited.partition(":")
        for files in sorted(folder.glob(f"{name}-{version}-*")) if name.endswith(f"-{model}") else ():
            if digest and files_digest(files).startswith(digest):
                return files
    return None


def _load(folder: Path, champion: PublishedModel | None, read: Callable[[Path], Model]) -> Model | None:
    if champion is None:
        return None
    files = folder / champion.folder
    try:
        digest = files_digest(files)
    except OSError as error:
        raise ModelError(
            f"the files of {champion.name} are missing", got=str(error.strerror), remedy="they are fetched again"
        ) from error
    if digest != champion.digest:
        raise ModelError(
            f"the files of {champion.name} are not those that were registered",
            got=digest[:12],
            expected=champion.digest[:12],
            remedy=f"remove the folder {champion.folder}; it is fetched again",
        )
    return read(files)
