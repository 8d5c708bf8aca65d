"""From the registry to files: who is in charge, looked up apart from the services that answer."""

from __future__ import annotations

import shutil
from pathlib import Path

from events.lock import locked
from serving.service.champions import Champion, read_champions, write_champions
from wiring.components import MODELS, Components


def publish_champions(components: Components) -> bool:
    """Fetch the champions that are new, and say who is in charge now; whether that is somebody else than before.

    Who takes the alias from a champion withdraws it. A registry that does not even know the model is none of the
    bank's, as a new and empty one is: the champion of before goes on. Files of champions before stay, for a service
    that still reads them, until the next change.

    Raises:
        ModelError: A champion's files are missing or not those that were registered; who was in charge stays.
        StateError: The files cannot be written.
    """
    folder = components.places.champions
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "lock"):  # every replica's service has a process that does this
        return _published(components, folder)


def _published(components: Components, folder: Path) -> bool:
    told = read_champions(folder)
    before, found = told or {}, dict[str, Champion]()
    for model in MODELS:
        champion = components.models.in_charge(model, folder)
        if champion is not None:
            found[model] = champion
        elif model in before and not components.models.is_registered(model):
            found[model] = before[model]
    if told == found:
        return False
    kept = {champion.folder for champions in (before, found) for champion in champions.values()}
    write_champions(folder, found)
    for old in folder.iterdir():
        if old.is_dir() and old.name not in kept:
            shutil.rmtree(old, ignore_errors=True)
    return True
