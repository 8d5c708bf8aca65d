"""What-if changes: a file that describes what would differ in a bank's offers, policies and budgets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, cast

from config.bank import Bank
from config.document import Document, read_document
from config.files import FILE_KINDS
from config.merging import Merge, problem_in
from config.problems import ConfigurationErrors, LocatedProblem
from config.reading import bank_of, load_bank, read_folder
from config.validation import described
from domain.errors import nearest

CHANGEABLE: Final = {"offers": "offers.yaml", "policies": "policies.yaml", "budgets": "budgets.yaml"}
"""What a change may contain; features and models stay the same, so that both sides see the same customers."""


def changed_bank(folder: Path, change_file: Path) -> Bank:
    """Read a bank's folder as it would be with a change.

    A change names files and gives parts of them:

        offers:
          - {name: savings_plus, cost: 12}             # other fields stay
          - {name: insurance_travel, remove: true}
        policies:
          levers:
            - {name: summer, factor: 1.3, products: [insurance]}   # a new one, complete
          offers_per_channel: 2                        # replaces the value

    Entries of lists with names (offers, budgets, rules, contact limits, quiet hours, context weights, levers) are
    matched by name; an entry with a new name is added. Everything else is replaced as a whole, including mappings such
    as `consent` and `exploration`.

    A folder instead of a file is the whole bank as it would be.

    Raises:
        ConfigurationErrors: The change or the changed bank is not valid; reports every problem with file and line.
    """
    if change_file.is_dir():
        return load_bank(change_file)
    change = read_document(change_file)
    documents = read_folder(folder)
    if not change.problems:
        problems = list(_unknown_keys(change))
        for key, name in CHANGEABLE.items():
            if not problems and isinstance(change.content, dict) and key in change.content:
                documents[name], found = _changed(documents.get(name), change, key, name)
                problems += found
    else:
        problems = list(change.problems)
    if problems:
        raise ConfigurationErrors(change_file, problems)
    return bank_of(folder, documents)


def _unknown_keys(change: Document) -> Iterator[LocatedProblem]:
    if not isinstance(change.content, dict):
        got, expected = described(change.content), f"a mapping with one of {', '.join(CHANGEABLE)}"
        yield change.located(problem_in(change, (), "a change must be a mapping", got, expected))
        return
    for key in change.content:
        if key not in CHANGEABLE:
            yield change.located(
                problem_in(change, (key,), "this file cannot be changed", f"'{key}'", nearest(key, CHANGEABLE))
            )


def _changed(document: Document | None, change: Document, key: str, name: str) -> tuple[Document, list[LocatedProblem]]:
    if document is None:  # an optional file that the bank does not have
        document = Document(file=change.file, content=[], lines={})
    if document.problems:
        return document, []
    merge = Merge(document, change)
    content = merge.merged(
        document.content, cast("dict[str, Any]", change.content)[key], (key,), FILE_KINDS[name].shape
    )
    merged = Document(file=document.file, content=content, lines=merge.lines, elsewhere=merge.elsewhere)
    return merged, merge.problems
