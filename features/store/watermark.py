"""Watermark: the moment up to which stored features are complete."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import StateError
from storage.atomic import replace_text

_FILE = "complete.json"


@dataclass(frozen=True, slots=True)
class Watermark:
    """What the last successful build has covered.

    Attributes:
        complete_until: All requested moments before it have their features.
        news_until: The latest availability in the log at that time; what became available later does not count yet.
    """

    complete_until: datetime
    news_until: datetime

    def write(self, folder: Path) -> None:
        """Replace the folder's watermark in one step."""
        content = {"complete_until": self.complete_until.isoformat(), "news_until": self.news_until.isoformat()}
        replace_text(folder / _FILE, json.dumps(content))

    @classmethod
    def read(cls, folder: Path) -> Watermark | None:
        """Read the folder's watermark; None if no build has finished.

        Raises:
            StateError: If the file is damaged.

        Example:
            >>> from datetime import UTC
            >>> from tempfile import TemporaryDirectory
            >>> midnight = datetime(2026, 6, 1, tzinfo=UTC)
            >>> with TemporaryDirectory() as folder:
            ...     Watermark(midnight, midnight).write(Path(folder))
            ...     Watermark.read(Path(folder)) == Watermark(midnight, midnight)
            True
        """
        try:
            content = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            return cls(datetime.fromisoformat(content["complete_until"]), datetime.fromisoformat(content["news_until"]))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise StateError(
                f"the watermark of the features in {folder} is damaged",
                got=str(error),
                remedy="remove the file and build the features again",
            ) from error
