"""The service's log: JSON lines, one for each thing that it did or met."""

import json
import logging
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pytest_havip.network.activity import Activity

__all__ = ["LOG", "begin_log", "log_activity", "tell"]

LOG: Final = logging.getLogger("pytest_havip.network")
"""Where all of the service logs. Unless `begin_log` was called only warnings are shown, on standard error."""


def tell(what: str, **fields: object) -> None:
    """Log that something happened.

    Args:
        what: happened, in a word or two.
        **fields: of the line, for programs to read.
    """
    if LOG.isEnabledFor(logging.INFO):
        LOG.info(what, extra={"fields": fields})


def log_activity(number: int, activity: Activity) -> None:
    """Log an activity under its number; `ActivityLog.listen` takes this."""
    fields = asdict(activity)
    tell(activity.kind.lower(), sequence=number, **{key: fields[key] for key in fields if key != "kind"})


def begin_log(path: Path) -> None:
    """Append to a file from now on, at once and line by line; programs that serve the API's requests log there too.

    Raises:
        OSError: the file cannot be written.
    """
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_JsonLine())
    root = logging.getLogger()
    root.addHandler(handler)
    LOG.setLevel(logging.INFO)


class _JsonLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "level": record.levelname.lower(),
            "what": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info is not None:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)
