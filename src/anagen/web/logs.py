"""Structured logs without personal data: routes, never addresses with numbers in them."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog


def make_log(stream: TextIO | None = None) -> Any:
    """Make the server's log: one JSON object a line, times in UTC."""
    return structlog.wrap_logger(
        structlog.PrintLogger(stream or sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _where_only,
            structlog.processors.JSONRenderer(),
        ],
    )


def quieten_uvicorn() -> None:
    """Keep uvicorn from logging addresses of requests: they hold numbers of people."""
    logging.getLogger("uvicorn.access").disabled = True


def _where_only(_log: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say of an exception what it is and where, not its message, which may quote the record."""
    if event.pop("exc_info", None):
        kind, _, traceback = sys.exc_info()
        lines = []
        while traceback is not None:
            code = traceback.tb_frame.f_code
            lines.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{traceback.tb_lineno}")
            traceback = traceback.tb_next
        event["exception"] = kind.__name__ if kind else ""
        event["where"] = lines[-12:]
    return event
