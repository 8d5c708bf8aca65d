"""Makes a bank's folder from its exports: looks at them, asks what they do not say, writes, checks."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from config.reading import load_bank
from config.schemas import with_schema, write_schemas
from domain.counts import counted
from domain.errors import DataError
from events.profiling.files import FileProfile, profile_path
from models.settings import Training
from nbo.onboarding.drafting import BankDraft, draft_of, row_ids
from nbo.onboarding.names import name_of
from nbo.onboarding.roles import ANSWER, MOST_ANSWERS, PERSONAL, SHOWN, FileSketch, sketch
from nbo.onboarding.writing import BankAnswers, bank_files

SHORT_HISTORY_DAYS: Final = 400
CHURN_DAYS: Final = ((90, 30), (60, 30), (30, 30), (30, 15), (30, 7))
"""Days of silence after which a customer is lost, and days between the moments the model learns from."""
LATEST: Final = timedelta(days=3)
"""Files that end longer ago are all there are, until others come."""
RESPONSE_DAYS: Final = 30
"""Days within which an answer counts, by default."""

Ask = Callable[[str, str], str]
"""Asks a question, given the answer that is proposed; without a terminal that is the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Answers given beforehand; None to ask for them.

    Attributes:
        customer: Column of the customer's id.
        contacts: Name of the file of contacts; "none" if there is none.
        offer: Column of contacts that names the offer.
        answer: Column of contacts with the answer.
        accepted: Answers that mean yes.
        as_of: Day of what is said in files without a time.
        complete_until: Last day of which the files know everything.
    """

    name: str | None = None
    time_zone: str | None = None
    currency: str | None = None
    customer: str | None = None
    contacts: str | None = None
    offer: str | None = None
    answer: str | None = None
    accepted: Sequence[str] = ()
    as_of: date | None = None
    complete_until: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBank:
    """What was written.

    Attributes:
        files: Files with the roles that they were given.
        notes: What the user should look at.
    """

    folder: Path
    files: list[FileSketch]
    draft: BankDraft
    notes: list[str] = field(default_factory=list)


def init_bank(folder: Path, exports: Sequence[Path], given: Given, ask: Ask) -> NewBank:
    """Write a bank's folder that passes `nbo check`, from exports.

    Args:
        folder: Folder to write, new or empty.
        exports: Files, and folders of files.
        given: Answers given beforehand.
        ask: Asks the other questions, at most ten.

    Raises:
        DataError: The folder has a bank, or there are no exports.
        SourceError: An export cannot be read.
        ConfigurationErrors: What was written is no valid bank.
    """
    if (folder / "bank.yaml").exists():
        raise DataError("there is a bank in the folder already", got=str(folder), remedy="choose a new folder")
    paths = _files(exports)
    root = Path(os.path.commonpath([path.parent.resolve() for path in paths]))
    files = _groups(paths, root)
    sketch(files, given.customer)
    answers = _ask_about_bank(folder, given, ask)
    _ask_about_files(files, given, ask)
    as_of = _ask_about_time(files, given, ask)
    complete_until = _ask_about_end(files, given, ask, as_of)
    draft = draft_of(files, as_of)
    if not draft.sources:
        raise DataError(
            "none of the files can be used",
            got="; ".join(draft.left_out),
            expected="events with a time, one row per customer, or offers with answers",
            remedy="name the customer's column with --customer, or the file of offers with --contacts",
        )
    folder.mkdir(parents=True, exist_ok=True)
    answers = replace(
        answers,
        source_folder=_reachable(root, folder),
        complete_until=complete_until,
        evaluate_every_days=_stage_days(files),
        churn_days=_churn_days(_days(files)),
    )
    write_schemas(folder)
    for name, text in bank_files(answers, draft).items():
        (folder / name).write_text(with_schema(name, text), encoding="utf-8")
    load_bank(folder)
    return NewBank(folder=folder, files=files, draft=draft, notes=_notes(files, draft, as_of))


def _files(exports: Sequence[Path]) -> list[Path]:
    found: dict[Path, None] = {}
    for path in exports:
        inside = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        found.update(dict.fromkeys(file for file in inside if not file.name.startswith(".")))
    readable = [file for file in found if re.search(r"\.(csv|txt|tsv|parquet|jsonl|ndjson)(\.gz)?$", file.name.lower())]
    if not readable:
        raise DataError(
            "there is nothing to read",
            got=", ".join(map(str, exports)) or "no files",
            expected="files of CSV, Parquet or JSON lines",
        )
    return readable


def _groups(paths: Sequence[Path], root: Path) -> list[FileSketch]:
    """Profile files; those with the same columns, written the same way, are one source."""
    groups: dict[object, FileSketch] = {}
    for path in paths:
        name = path.resolve().relative_to(root).as_posix()
        profile = profile_path(path, name)
        key = (tuple(column.name for column in profile.columns), repr(profile.settings))
        if key in groups:
            groups[key].patterns.append(name)
        else:
            groups[key] = FileSketch(name=_stem(name), patterns=[name], profile=profile)
    return list(groups.values())


def _stem(name: str) -> str:
    stem = Path(name).name.split(".")[0]
    return re.sub(r"[-_ ]*[0-9]{4,}.*$", "", stem) or stem


def _ask_about_bank(folder: Path, given: Given, ask: Ask) -> BankAnswers:
    name = given.name or ask("Name of the bank", name_of(folder.resolve().name, "bank"))
    zone = given.time_zone or ask("Time zone of its times", "Europe/Berlin")
    currency = given.currency or ask("Currency", "EUR")
    description = f"{name}, from its exports"
    return BankAnswers(
        name=name_of(name, "bank"), description=description, time_zone=zone, currency=currency, source_folder="."
    )


def _ask_about_files(files: list[FileSketch], given: Given, ask: Ask) -> None:
    best = next((file.customer for file in files if file.role != "unused"), "#")
    customer = given.customer or ask("Column with the customer's id (# for one customer a row)", best)
    if customer != best:
        sketch(files, customer)
    found = next((file for file in files if file.role == "contacts"), None)
    chosen = given.contacts or ask(
        "File with offers put to customers, and their answers", found.profile.name if found else "none"
    )
    for file in files:
        if file.role == "contacts" and chosen not in (file.profile.name, file.name):
            file.role = "events" if file.time else "attributes"
    contacts = next((file for file in files if chosen in (file.profile.name, file.name)), None)
    if contacts is None:
        return
    contacts.role = "contacts"
    names = [column.name for column in contacts.columns]
    for what, attribute in (("offer", "offer"), ("answer", "answer")):
        proposed = getattr(contacts, attribute) or "none"
        column = getattr(given, what) or ask(f"Its column with the {what}", proposed)
        if column != "none" and column not in names:
            raise DataError(
                f"there is no such column in {contacts.profile.name}", got=f"'{column}'", expected=", ".join(names)
            )
        setattr(contacts, attribute, None if column == "none" else column)
    if contacts.answer is not None:
        values = list(contacts.profile.column(contacts.answer).values)
        yes = contacts.accepted if set(contacts.accepted) <= set(values) and contacts.accepted else values[-1:]
        said = list(given.accepted) or [one.strip() for one in ask("Answers that mean yes", ", ".join(yes)).split(",")]
        contacts.accepted = [value for value in values if value in said]
        contacts.declined = [value for value in contacts.declined if value in values and value not in said]
        if not contacts.accepted:
            raise DataError("no answer means yes", got=", ".join(said), expected=f"some of {', '.join(values)}")


def _ask_about_time(files: list[FileSketch], given: Given, ask: Ask) -> date:
    if given.as_of is not None:
        return given.as_of
    if all(file.time for file in files if file.role in ("contacts", "attributes")):
        return _last_day(files) or date.today()  # noqa: DTZ011 - nothing is dated by it
    presented = [file.profile.column(file.time).earliest for file in files if _has_offers(file) and file.time]
    # what files without a time say of customers would otherwise be known only after the contacts
    known = min((day for day in presented if day is not None), default=None) or _last_day(files)
    # a day in the past in every time zone, or the end of what is known
    proposed = known or date.today() - timedelta(days=60)  # noqa: DTZ011
    return _day(ask("Day of what files without a time say", proposed.isoformat()))


def _has_offers(file: FileSketch) -> bool:
    if file.role == "contacts":
        return True
    return (
        file.role == "events"
        and file.type is not None
        and any(map(SHOWN.fullmatch, file.profile.column(file.type).values))
    )


def _ask_about_end(files: list[FileSketch], given: Given, ask: Ask, as_of: date) -> date | None:
    """Ask up to when the answers are known: whoever has not answered by then has said no."""
    if given.complete_until is not None:
        return given.complete_until
    contacts = [file for file in files if file.role == "contacts"]
    today = date.today()  # noqa: DTZ011 - a day is enough
    last = _last_day(files) or as_of
    if not contacts:
        if any(file.role == "attributes" and file.time is None for file in files):
            last = max(last, as_of)  # the moment of decisions is the midnight after what is known
        elif today - last < LATEST:
            return None  # more is to come
        return min(last, today)
    # answers without a time of their own are all there are
    final = all(file.answered_at is None for file in contacts)
    proposed = min(last + timedelta(days=RESPONSE_DAYS + 1), today - timedelta(days=1)) if final else last
    return _day(ask("Last day of which the files know everything", max(proposed, last).isoformat()))


def _stage_days(files: list[FileSketch]) -> int:
    """Choose how often stages are evaluated: daily while that is cheap, so that new customers have one at once."""
    return 7 if _days(files) > SHORT_HISTORY_DAYS else 1


def _churn_days(spanned: int) -> tuple[int, int]:
    """Choose the first of `CHURN_DAYS` with which exports that span so many days are enough to train and judge.

    Moments need as many days of history before them as of silence after them, and each fold those whose outcome was
    known before it.
    """
    usual = Training()

    def needed(silent: int, every: int) -> int:
        known = -(-(silent + usual.embargo_days) // every) * every
        return 2 * silent + known + usual.folds * every  # one more than between folds: the grid may begin late

    if not spanned:
        return CHURN_DAYS[0]  # nothing is known of how long they will be
    return next((days for days in CHURN_DAYS if needed(*days) <= spanned), CHURN_DAYS[-1])


def _days(files: list[FileSketch]) -> int:
    """Return how many days lie between the first and the last event or contact; 0 if there are none."""
    columns = [file.profile.column(file.time) for file in files if file.time]
    first = min((column.earliest for column in columns if column.earliest is not None), default=None)
    last = _last_day(files)
    return (last - first).days if first is not None and last is not None else 0


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError as error:
        raise DataError("not a day", got=f"'{said}'", expected="a day such as 2026-01-31") from error


def _last_day(files: list[FileSketch]) -> date | None:
    columns = [file.profile.column(name) for file in files for name in (file.time, file.answered_at) if name]
    return max((column.latest for column in columns if column.latest is not None), default=None)


def _reachable(root: Path, folder: Path) -> str:
    """Return the folder of the exports below the bank's folder; elsewhere it gets a link there."""
    own = folder.resolve()
    if root.is_relative_to(own):
        return f"./{root.relative_to(own).as_posix()}"
    link = folder / "exports"
    if not link.exists():
        link.symlink_to(os.path.relpath(root, own))
    return "./exports"


def _notes(files: list[FileSketch], draft: BankDraft, as_of: date) -> list[str]:
    notes = [f"{name} has no customer id: each row is a customer of its own" for name in row_ids(files)]
    notes += [
        f"{name} identifies a person: better export an id that says nothing in its place"
        for name in dict.fromkeys(file.customer for file in files if file.role != "unused")
        if PERSONAL.search(name)
    ]
    for file in files:
        notes += [
            f"{file.profile.name}: {column.name} could also be written {column.ambiguous}"
            for column in file.columns
            if column.name in file.used() and column.ambiguous
        ]
        if file.role in ("contacts", "attributes") and file.time is None:
            notes.append(
                f"{file.profile.name} has no time: it is dated {as_of}, what it says of customers a day before"
            )
        if file.profile.broken:
            notes.append(f"{file.profile.name}: {counted(file.profile.broken, 'row')} could not be read")
    if not draft.roles:
        notes += [
            f"{file.profile.name}: if {column.name} is the answer to an offer, say what means yes: --contacts "
            f"{file.profile.name} --answer '{column.name}' --accepted '{next(iter(column.values))}'"
            for file in files
            for column in file.columns
            if ANSWER.search(column.name) and column.kind == "text" and 2 <= column.distinct <= MOST_ANSWERS
        ]
        notes.append("no file has offers with answers: nothing can be learned from them yet")
    if not draft.consents:
        notes.append("no column says who may be contacted: check policies.yaml before anything is sent")
    return notes


def profile_of_export(path: Path) -> FileProfile:
    """Profile one file for `nbo profile`."""
    return profile_path(path, path.name)
