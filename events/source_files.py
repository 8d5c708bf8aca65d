"""Finds the files that a bank's sources name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path, PurePath
from typing import Literal

from domain.errors import SourceError, nearest
from events.mapping import Source

Format = Literal["csv", "parquet", "jsonl"]
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file of a source.

    Attributes:
        name: Path below the bank's source folder, used in reports and errors.
        size_bytes: Size on disk, compressed or not.
    """

    source: Source
    path: Path
    name: str
    format: Format
    size_bytes: int

    @property
    def parts(self) -> list[Path]:
        """The file itself, or the files of a folder that a query was written to."""
        return sorted(self.path.iterdir()) if self.path.is_dir() else [self.path]

    @property
    def compressed(self) -> bool:
        """Whether the file is compressed (`.gz`)."""
        return self.path.suffix == ".gz"

    def digest(self) -> str:
        """Return the digest of the file's bytes.

        Raises:
            SourceError: It cannot be read.
        """
        try:
            if self.path.is_dir():
                return blake2b("".join(map(_digest_of, self.parts)).encode()).hexdigest()[:32]
            return _digest_of(self.path)
        except OSError as error:
            raise self.unreadable(error) from error

    def unreadable(self, error: Exception) -> SourceError:
        """Return the error for a file that cannot be read."""
        return SourceError(
            f"file '{self.name}' of source '{self.source.name}' cannot be read as {self.format}",
            got=str(error),
            remedy="have it delivered again, or correct `format`, `delimiter` and `encoding` in sources.yaml",
        )

    def wrong_encoding(self, got: str) -> SourceError:
        """Return the error for a file that is not in the declared encoding of its source."""
        return SourceError(
            f"file '{self.name}' of source '{self.source.name}' is not in the declared encoding",
            got=got,
            expected=self.source.encoding,
            remedy="correct `encoding` in sources.yaml (for example cp1252, latin-1, utf-16)",
        )

    def require_columns(self, wanted: Iterable[str], available: Sequence[str]) -> None:
        """Check that columns are present, and only once.

        Raises:
            SourceError: A column is missing, or two columns have the same name.
        """
        for name in available:
            if available.count(name) > 1:
                raise SourceError(
                    f"file '{self.name}' has two columns of the same name", got=f"'{name}'", remedy="rename one of them"
                )
        for name in wanted:
            if name not in available:
                raise SourceError(
                    f"file '{self.name}' has no column that the mapping of source '{self.source.name}' names",
                    got=f"'{name}'",
                    expected=nearest(name, available),
                    remedy="correct sources.yaml (columns, or the delimiter), or have the file delivered again",
                )


def _digest_of(path: Path) -> str:
    with path.open("rb") as handle:
        return file_digest(handle, "blake2b").hexdigest()[:32]


def find_files(sources: Sequence[Source], folder: Path) -> list[SourceFile]:
    """Return the files of all sources, in the order of the sources and then of their names.

    Raises:
        SourceError: The folder is missing although a source has files in it, a pattern matches nothing, a file is
            empty, or its format is unknown.
    """
    local = any(not is_address(pattern) for source in sources for pattern in source.files)
    if local and not folder.is_dir():
        raise SourceError("the folder of the sources is missing", got=str(folder), remedy="set NBO_DATA, or create it")
    return [file for source in sources for file in _files_of(source, folder)]


def is_address(pattern: str) -> bool:
    """Return whether a pattern of a source is an address elsewhere, such as `s3://bucket/*.csv`.

    Example:
        >>> is_address("s3://bucket/crm/*.csv"), is_address("crm/*.csv")
        (True, False)
    """
    return "://" in pattern


def _files_of(source: Source, folder: Path) -> list[SourceFile]:
    paths: dict[Path, None] = {}
    for pattern in source.files:
        if is_address(pattern):
            continue  # see `events.fetching`
        matches = sorted(path for path in folder.glob(pattern) if not _hidden(path.relative_to(folder), pattern))
        for path in matches:
            _require_own_file(source, folder, path)
        files = [path for path in matches if path.is_file()]
        if not files:
            names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
            raise SourceError(
                f"no file matches a pattern of source '{source.name}'",
                got=f"'{pattern}' in {folder}",
                expected=nearest(pattern, names),
                remedy="deliver the file, or correct `files` in sources.yaml",
            )
        paths.update(dict.fromkeys(files))
    return [source_file(source, path, path.relative_to(folder).as_posix()) for path in paths]


def _hidden(path: Path, pattern: str) -> bool:
    """Return whether a path has a part that begins with a dot (a copy by another system) and is not in the pattern."""
    return any(part.startswith(".") and part not in PurePath(pattern).parts for part in path.parts)


def _require_own_file(source: Source, folder: Path, path: Path) -> None:
    """Check that a link stays within the folder of the sources: elsewhere are files that others may read, not we."""
    name = path.relative_to(folder).as_posix()
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise SourceError(
            f"'{name}' of source '{source.name}' is a link that leads nowhere",
            got=str(path.readlink()) if path.is_symlink() else str(error),
            remedy="have the file delivered again, or remove the link",
        ) from error
    if not real.is_relative_to(folder.resolve()):
        raise SourceError(
            f"'{name}' of source '{source.name}' is a link out of the folder of the sources",
            got=str(real),
            expected=f"a file below {folder.resolve()}",
            remedy="deliver the file itself, or set NBO_DATA to a folder that holds both",
        )
    if not (real.is_file() or real.is_dir()):
        raise SourceError(
            f"'{name}' of source '{source.name}' is not a file", remedy="remove it, or correct `files` in sources.yaml"
        )


def source_file(source: Source, path: Path, name: str) -> SourceFile:
    """Describe a file as one of a source.

    Args:
        source: Source by which the file is read.
        path: Path of the file.
        name: Name of the file in errors.

    Raises:
        SourceError: It is empty, or its format is unknown.
    """
    size = path.stat().st_size
    if size == 0:
        raise SourceError(
            f"file '{name}' of source '{source.name}' is empty", remedy="have it delivered again, or remove it"
        )
    suffix = Path(path.stem).suffix if path.suffix == ".gz" else path.suffix
    kind = source.format or _FORMATS.get(suffix.lower())
    if kind is None:
        raise SourceError(
            f"the format of file '{name}' of source '{source.name}' is unknown",
            got=f"'{suffix}'",
            expected=f"one of {', '.join(_FORMATS)}, each also with .gz",
            remedy="set `format` in sources.yaml",
        )
    return SourceFile(source=source, path=path, name=name, format=kind, size_bytes=size)
