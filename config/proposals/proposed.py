"""A bank's folder as it would be with a proposed entry: checked with the messages of `nbo check`, and written."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from config.bank import Bank
from config.document import parse_document
from config.problems import ConfigurationErrors
from config.proposals.entries import EntryKind, read_text, with_entry
from config.reading import bank_of, read_folder
from decisioning.policies.candidates import in_scope
from domain.offer import OfferClass, candidates_of
from storage.atomic import replace_text

_MOST_READ: Final = 8
_read: dict[tuple[Path, str, EntryKind, str, str], Bank] = {}
"""Banks that were read last."""


def folder_digest(folder: Path) -> str:
    """Return the digest of every byte of the folder's YAML files."""
    digest = sha256()
    for file in sorted(folder.glob("*.yaml")):
        digest.update(f"{file.name}\0".encode() + sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def proposed_bank(folder: Path, kind: EntryKind, name: str, entry: str) -> Bank:
    """Read the folder as it would be with an entry; what was read a moment ago is not read again.

    Raises:
        ConfigurationErrors: The folder would not be valid; the problems are those of `nbo check`, with file and line.
        DataError: The entry cannot be put into the file.
    """
    base = folder_digest(folder)
    key = (folder, base, kind, name, entry)
    if key in _read:
        return _read[key]
    documents = read_folder(folder)
    file = folder / kind.file
    documents[kind.file] = parse_document(file, with_entry(read_text(file), kind, name, entry))
    bank = bank_of(folder, documents)
    # not if somebody has changed the folder while it was read
    if folder_digest(folder) == base:
        while len(_read) >= _MOST_READ:
            _read.pop(next(iter(_read)), None)
        _read[key] = bank
    return bank


def problems_of(folder: Path, kind: EntryKind, name: str, entry: str) -> list[str]:
    """Return what `nbo check` would say, one sentence for each problem; empty if it would be silent."""
    try:
        proposed_bank(folder, kind, name, entry)
    except ConfigurationErrors as error:
        return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]
    return []


def write_entry(folder: Path, kind: EntryKind, name: str, entry: str) -> None:
    """Write an entry into its file; every other byte stays."""
    file = folder / kind.file
    replace_text(file, with_entry(read_text(file), kind, name, entry))


def needs_risk(today: Bank, proposed: Bank) -> tuple[str, ...]:
    """Return what of a change only the risk role may approve: classes, consent, and who is held out.

    An offer that goes, comes or changes counts with its class before and after: removing a mandatory offer changes a
    class. Consent is changed by its conditions, its rules, and by an offer that a rule of consent no longer covers.

    Example:
        >>> from config.reading import load_bank
        >>> bank = load_bank(Path("banks/demo"))
        >>> needs_risk(bank, bank)
        ()
    """
    found = {
        "class": _classes(today) != _classes(proposed),
        "consent": _consent(today) != _consent(proposed) or not _uncovered(proposed) <= _uncovered(today),
        "holdout": today.policy.control != proposed.policy.control,
    }
    return tuple(name for name, differs in found.items() if differs)


def _classes(bank: Bank) -> dict[str, OfferClass]:
    """Return the offers of another class than commercial."""
    return {offer.name: offer.offer_class for offer in bank.offers if offer.offer_class is not OfferClass.COMMERCIAL}


def _consent(bank: Bank) -> tuple[object, ...]:
    policy = bank.policy
    rules = [rule for rule in policy.rules if rule.kind == "consent"]
    return policy.consent, policy.without_consent, policy.personalised, rules


def _uncovered(bank: Bank) -> set[tuple[str, str]]:
    """Return which offers a rule of consent does not cover in some channel."""
    return {
        (rule.name, offer.name)
        for rule in bank.policy.rules
        if rule.kind == "consent"
        for offer, treatment in candidates_of(bank.offers)
        if not in_scope(rule, offer, treatment)
    }
