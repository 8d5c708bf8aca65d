"""Alarms: who is told of a red light, once, and not again while it stays red or has only just turned."""

from __future__ import annotations

import json
import logging
import smtplib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from config.watching import Watching
from domain.errors import NboError, StateError
from domain.health import Light, Reading
from storage.atomic import replace_text
from storage.lock import locked

FILE: Final = "health.json"
Tell = Callable[[Sequence[Reading]], None]
"""Tells somebody of red lights, or raises an error."""

_LOG: Final = logging.getLogger("nbo.alarms")


@dataclass(frozen=True, slots=True)
class Health:
    """The last readings, and what was told of them.

    Attributes:
        as_of: When they were taken; None before the first time.
        readings: All readings, red ones first.
        told: Key of a reading -> when somebody was last told that it is red.
        failed: Ways on which nobody could be told, with the reason.
    """

    as_of: datetime | None
    readings: tuple[Reading, ...]
    told: Mapping[str, datetime]
    failed: Mapping[str, str]


def read_health(folder: Path) -> Health:
    """Return the last readings of a bank; none before the first time.

    Args:
        folder: Folder of the bank's figures.

    Raises:
        StateError: The file is damaged.
    """
    stored = _stored(folder / FILE)
    readings = tuple(Reading(**{**row, "light": Light(row["light"])}) for row in stored.get("readings", ()))
    as_of = stored.get("as_of")
    told = {key: datetime.fromisoformat(at) for key, at in stored.get("told", {}).items()}
    return Health(None if as_of is None else datetime.fromisoformat(as_of), readings, told, stored.get("failed", {}))


def keep_readings(
    folder: Path, readings: Sequence[Reading], settings: Watching, ways: Mapping[str, Tell], now: datetime
) -> list[Reading]:
    """Store readings, and tell of those that turned red.

    A reading is told when it has been red for the window, was not told since it turned red, and was not told within
    the cool-down. If no way works, it is told the next time.

    Args:
        folder: Folder of the bank's figures.
        readings: Everything that was read.
        settings: Window and cool-down.
        ways: By name; the log is always told.
        now: Aware moment.

    Returns:
        The readings that were told.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / f"{FILE}.lock"):
        stored = _stored(folder / FILE)
        red_since, told = dict(stored.get("red_since", {})), dict(stored.get("told", {}))
        red = {one.key: one for one in readings if one.light is Light.RED}
        red_since = {key: red_since.get(key, now.isoformat()) for key in red}
        due = [one for key, one in red.items() if _is_due(red_since[key], told.get(key), settings, now)]
        failed = _tell(due, ways) if due else {}
        if due and (not ways or len(failed) < len(ways)):
            told |= {one.key: now.isoformat() for one in due}
        content = {
            "as_of": now.isoformat(),
            "readings": [asdict(one) for one in sorted(readings, key=lambda one: (_ORDER[one.light], one.key))],
            "red_since": red_since,
            "told": told,
            "failed": failed,
        }
        replace_text(folder / FILE, json.dumps(content, indent=1))
    return due


_ORDER: Final = {Light.RED: 0, Light.AMBER: 1, Light.UNKNOWN: 2, Light.GREEN: 3}


def _is_due(red_since: str, told: str | None, settings: Watching, now: datetime) -> bool:
    since = datetime.fromisoformat(red_since)
    if now - since < timedelta(minutes=settings.window_minutes):
        return False
    if told is None:
        return True
    at = datetime.fromisoformat(told)
    return at < since and now - at >= timedelta(minutes=settings.cool_down_minutes)


def _tell(due: Sequence[Reading], ways: Mapping[str, Tell]) -> dict[str, str]:
    for one in due:
        _LOG.error("%s: %s", one.check, one.sentence)
    failed = {}
    for name, tell in ways.items():
        try:
            tell(due)
        except (OSError, NboError, smtplib.SMTPException) as error:
            failed[name] = str(error) or type(error).__name__
            _LOG.exception("nobody could be told by %s", name)
    return failed


def words_of(bank: str, due: Sequence[Reading]) -> dict[str, Any]:
    """Return alarms as a webhook has them."""
    return {"bank": bank, "alarms": [asdict(one) for one in due]}


def _stored(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StateError(
            "the last readings are damaged", got=str(error), remedy=f"remove {file}; the next night takes them anew"
        ) from error
