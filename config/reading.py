"""Reads and checks a bank's folder as a whole, reporting all problems at once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar

from config.bank import Bank
from config.checks.whole import check_whole
from config.document import Document, read_document
from config.files import COMMON_FEATURES, FILE_KINDS, BankFiles
from config.problems import ConfigurationErrors, LocatedProblem
from config.validation import validate
from domain.errors import Problem, nearest

T = TypeVar("T")


def load_bank(folder: Path) -> Bank:
    """Read a bank's folder.

    Raises:
        ConfigurationErrors: The folder cannot be used; reports all of its problems, each with file and line.

    Example:
        >>> bank = load_bank(COMMON_FEATURES.parent.parent / "banks" / "demo")
        >>> bank.identity.currency, bank.offer("savings_plus").product
        ('EUR', 'savings')
    """
    return bank_of(folder, read_folder(folder))


def read_folder(folder: Path) -> dict[str, Document]:
    """Read all required files of the folder and the optional ones that exist, by name.

    Raises:
        ConfigurationErrors: There is no such folder. Problems within a file are in its document.
    """
    if not folder.is_dir():
        raise ConfigurationErrors(folder, [_no_folder(folder)])
    documents = {COMMON_FEATURES.name: _common_features()}
    for name, kind in FILE_KINDS.items():
        if name not in documents and (kind.required or (folder / name).exists()):
            documents[name] = read_document(folder / name)
    return documents


def bank_of(folder: Path, documents: Mapping[str, Document]) -> Bank:
    """Validate a bank as a whole.

    Args:
        folder: The bank's folder.
        documents: Documents by file name, from `read_folder` or changed since.

    Raises:
        ConfigurationErrors: Reports all problems.
    """
    problems = list(_misnamed(folder))
    files = BankFiles()
    for name, document in documents.items():
        kind = FILE_KINDS[name]
        setattr(files, kind.part, None)
        problems += document.problems
        if not document.problems:
            value, mistakes = validate(document.content, kind.shape, name)
            problems += map(document.located, mistakes)
            if not mistakes or not kind.is_read_by_others:
                setattr(files, kind.part, value)
    catalogue, refusing, mistakes = check_whole(files)
    problems += [_located(problem, documents, folder) for problem in mistakes]
    if problems:
        raise ConfigurationErrors(folder, problems)
    return Bank(
        identity=_present(files.identity),
        folder=folder,
        vocabulary=_present(files.vocabulary).refusing(refusing),
        sources=tuple(source.in_zone(_present(files.identity).time_zone) for source in _present(files.sources)),
        features=_present(catalogue).refusing(refusing),
        journey=_present(files.journey),
        offers=_present(files.offers),
        policy=_present(files.policy),
        budgets=_present(files.budgets),
        models=_present(files.models),
        schedule=_present(files.schedule),
        delivery=_present(files.delivery),
        retention=_present(files.retention),
        network=_present(files.network),
        analytics=_present(files.analytics),
        personas=_present(files.personas),
        watching=_present(files.watching),
        simulation=files.simulation,
        digest=_digest(documents),
    )


@cache
def _common_features() -> Document:
    """Read the program's own file once; it takes a third of the time of loading a bank."""
    return read_document(COMMON_FEATURES)


def _no_folder(folder: Path) -> LocatedProblem:
    what = "the bank's folder is a file" if folder.exists() else "the bank's folder is missing"
    siblings = [other.parent.name for other in folder.parent.glob("*/bank.yaml")]
    expected = nearest(folder.name, siblings) if siblings else "a folder with bank.yaml"
    problem = Problem(file=folder.name, path=(), what=what, expected=expected)
    return LocatedProblem(problem=problem, file=folder)


def _misnamed(folder: Path) -> Iterator[LocatedProblem]:
    """Find YAML files that nothing would read: a setting that is silently ignored is worse than none."""
    known = [name for name in FILE_KINDS if name != COMMON_FEATURES.name]
    for file in sorted(folder.iterdir()):
        if file.suffix in (".yaml", ".yml") and file.name not in known:
            problem = Problem(
                file=file.name, path=(), what="this file would be ignored", expected=nearest(file.name, known)
            )
            yield LocatedProblem(problem=problem, file=file)


def _located(problem: Problem, documents: Mapping[str, Document], folder: Path) -> LocatedProblem:
    document = documents.get(problem.file)
    if document is None:
        return LocatedProblem(problem=problem, file=folder / problem.file)
    return document.located(problem)


def _digest(documents: Mapping[str, Document]) -> str:
    contents = {name: document.content for name, document in documents.items() if FILE_KINDS[name].is_decided_by}
    return hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest()


def _present(part: T | None) -> T:
    assert part is not None, "a part is missing only if there are problems"
    return part
