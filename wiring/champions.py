"""Publishing champions: copies them from the registry to files, apart from the services that use them."""

from __future__ import annotations

import shutil
from pathlib import Path

from serving.service.champions import Champion, read_champions, write_champions
from storage.lock import locked
from wiring.components import MODELS, Components


def publish_champions(components: Components) -> bool:
    """Fetch new champions and write the manifest; return whether it changed.

    Removing the alias from a champion withdraws it. But if the registry does not know the model at all, as when it is
    new and empty, the previous champion stays. Files of previous champions are deleted only at the next change, since a
    service may still be reading them.

    Raises:
        ModelError: A champion's files are missing or differ from what was registered; the champions stay as they are.
        StateError: The files cannot be written.
    """
    folder = components.places.champions
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / "lock"):  # each replica runs a process that does this
        return _published(components, folder)


def _published(components: Components, folder: Path) -> bool:
    published = read_champions(folder)
    before, found = published or {}, dict[str, Champion]()
    for model in MODELS:
        champion = components.models.in_charge(model, folder)
        if champion is not None:
            found[model] = champion
        elif model in before and not components.models.is_registered(model):
            found[model] = before[model]
    if published == found:
        return False
    current = {champion.folder for champions in (before, found) for champion in champions.values()}
    write_champions(folder, found)
    for old in folder.iterdir():
        if old.is_dir() and old.name not in current:
            shutil.rmtree(old, ignore_errors=True)
    return True
