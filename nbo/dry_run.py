"""Shows what an import would do, without touching the bank's state."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from events.importing import import_sources
from events.log import EventLog
from events.reading import read_chunks
from events.report import FileCounts
from events.source_files import find_files, is_address
from nbo.display import console, show_table
from nbo.outcomes import show_rows
from nbo.rejected import show_reasons
from wiring.components import Components
from wiring.fetching import fetched


def show_dry_run(components: Components) -> None:
    """Import the bank's files into an empty log that is thrown away, and show what came of each row.

    Raises:
        NothingAcceptedError: No row of some files could be accepted.
        SourceError: A file cannot be read.
    """
    with TemporaryDirectory() as folder, fetched(components, remember=False) as found:
        log = EventLog(Path(folder) / "log")
        report = import_sources(
            log,
            components.bank.sources,
            components.bank.vocabulary,
            components.sources,
            Path(folder) / "quarantine",
            now=datetime.now(UTC),
            fetched=found.files,
        )
        rows = [{name: value for name, value in row.items() if name != "duplicates"} for row in report.rows]
        show_rows("what would be imported into an empty log", rows)
        if report.quarantine is not None:
            with report.quarantine.open(encoding="ascii") as lines:
                show_reasons(map(json.loads, lines), 3)
        _show_warnings(report.files)
        report.require_something_of_every_file()
    console.print("nothing was written", markup=False)


def check_columns(components: Components) -> None:
    """Read the beginning of each file that is there, so that a column that it lacks is found before an import.

    Files elsewhere and files that have not been delivered yet are left to the import.

    Raises:
        SourceError: A file lacks a column, or cannot be read.
    """
    if components.bank.identity.source_folder is None or not components.sources.is_dir():
        return
    for source in components.bank.sources:
        local = [pattern for pattern in source.files if not is_address(pattern)]
        if all(any(components.sources.glob(pattern)) for pattern in local):
            for file in find_files([source], components.sources):
                next(read_chunks(file), None)


def _show_warnings(files: tuple[FileCounts, ...]) -> None:
    found = [(one.source, one.file, count, words) for one in files for words, count in one.warnings.items()]
    if found:
        show_table("warnings", ("source", "file", "rows", "warning"), found)
