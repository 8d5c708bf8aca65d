"""JSON logs without personal data: they name callers, routes and parts, never customers."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any, Final

import orjson

_OWN: Final = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object: time, level, logger, message, and the fields given as `extra`.

    Example:
        >>> record = logging.makeLogRecord({"name": "nbo", "levelname": "INFO", "msg": "swapped", "swaps": 2})
        >>> orjson.loads(JsonLines().format(record))["swaps"]
        2
    """

    def format(self, record: logging.LogRecord) -> str:
        """Format one record."""
        fields: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: value for name, value in record.__dict__.items() if name not in _OWN}
        if record.exc_info and record.exc_info[0] is not None:
            # the message of an exception may contain what a caller sent
            fields["error"] = record.exc_info[0].__name__
            fields["where"] = _where(record.exc_info[2])
        return orjson.dumps(fields, default=str).decode()


def _where(trace: Any) -> list[str]:
    """Return modules, functions and lines of a traceback, outermost first."""
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{trace.tb_frame.f_globals.get('__name__', '?')}:{code.co_name}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places


def log_settings(level: str = "INFO") -> dict[str, Any]:
    """Return settings for `logging`: everything to standard error, without access logs."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": {"()": "serving.api.logs.JsonLines"}},
        "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": "lines", "stream": "ext://sys.stderr"}},
        "root": {"handlers": ["lines"], "level": "WARNING"},
        "loggers": {
            "nbo": {"level": level},
            "uvicorn": {"level": level},
            # a URL may name a customer
            "uvicorn.access": {"level": "CRITICAL"},
        },
    }
