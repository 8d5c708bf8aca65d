"""A bank's folder as it would be with a proposed entry: checked with the messages of `nbo check`, and written."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from config.bank import Bank
from config.document import parse_document
from config.files import FILE_KINDS
from config.problems import ConfigurationErrors
from config.proposals.entries import EntryKind, read_text, with_entry
from config.reading import bank_of, read_folder
from config.schemas import schema_of
from config.shapes import shape_at
from domain.offer import OfferClass
from storage.atomic import replace_text


def fields_of(kind: EntryKind) -> dict[str, str]:
    """Return the keys that an entry may have, with their meanings.

    Example:
        >>> from config.proposals.entries import KINDS
        >>> fields_of(KINDS["lever"])["factor"][:10]
        'At least 0'
    """
    path = (0,) if kind.key is None else (kind.key, 0)
    shape = shape_at(FILE_KINDS[kind.file].shape, path)
    described = schema_of(kind.file)["$defs"][shape.__name__]["properties"]
    return {name: part.get("description", "") for name, part in described.items()}


def folder_digest(folder: Path) -> str:
    """Return the digest of every byte of the folder's YAML files."""
    digest = sha256()
    for file in sorted(folder.glob("*.yaml")):
        digest.update(f"{file.name}\0".encode() + sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def proposed_bank(folder: Path, kind: EntryKind, name: str, entry: str) -> Bank:
    """Read the folder as it would be with an entry.

    Raises:
        ConfigurationErrors: The folder would not be valid; the problems are those of `nbo check`, with file and line.
        DataError: The entry cannot be put into the file.
    """
    documents = read_folder(folder)
    file = folder / kind.file
    documents[kind.file] = parse_document(file, with_entry(read_text(file), kind, name, entry))
    return bank_of(folder, documents)


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

    Example:
        >>> from config.reading import load_bank
        >>> bank = load_bank(Path("banks/demo"))
        >>> needs_risk(bank, bank)
        ()
    """
    classes = [{offer.name: offer.offer_class for offer in bank.offers} for bank in (today, proposed)]
    changed = any(
        classes[0].get(name, OfferClass.COMMERCIAL) is not offer_class for name, offer_class in classes[1].items()
    )
    consents = [
        (bank.policy.consent, bank.policy.personalised, [rule for rule in bank.policy.rules if rule.kind == "consent"])
        for bank in (today, proposed)
    ]
    found = {
        "class": changed,
        "consent": consents[0] != consents[1],
        "holdout": today.policy.control != proposed.policy.control,
    }
    return tuple(name for name, differs in found.items() if differs)
