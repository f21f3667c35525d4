"""What a worker tells while it works: one line of JSON for each event, with company and job, and no secret.

Facts are named by the code that tells them: texts, numbers and instants, never a policy, a settings object or a request.
"""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from time import gmtime, strftime
from types import MappingProxyType
from typing import Any, TextIO

from ..secret import Secret

LOGGER = logging.getLogger("puntual")
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_PLAIN = (str, int, bool, type(None))

_about: ContextVar[Mapping[str, Any]] = ContextVar("about", default=_NOTHING)


@contextmanager
def telling_about(**facts: Any) -> Iterator[None]:
    """Everything that is told within is about this company, job and so on."""
    token = _about.set({**_about.get(), **facts})
    try:
        yield
    finally:
        _about.reset(token)


def tell(event: str, level: int = logging.INFO, *, exc_info: bool = False, **facts: Any) -> None:
    """Tell an event with its facts; with `exc_info` where the error under way came from."""
    LOGGER.log(level, event, exc_info=exc_info, extra={"facts": {**_about.get(), **facts}})


class JsonLines(logging.Formatter):
    """A record as one line of JSON. A value of another type than the plain ones is told by its type's name only."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said: dict[str, Any] = {"at": self.formatTime(record), "level": record.levelname.lower(), "event": record.getMessage()}
        said |= {key: _plain(value) for key, value in getattr(record, "facts", {}).items()}
        if record.exc_info and record.exc_info[0] is not None:
            said["error"] = record.exc_info[0].__name__
            said["where"] = _where(record)
        return json.dumps(said, ensure_ascii=False)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - the name of the class above
        """The instant in UTC, to the millisecond."""
        return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(record.created))}.{int(record.msecs):03}Z"


def log_to(stream: TextIO, level: int = logging.INFO) -> None:
    """Send what is told to this stream, as lines of JSON; libraries are heard from warnings on."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(level)


def _where(record: logging.LogRecord) -> list[str]:
    """Files and lines of the traceback, without values."""
    trace = record.exc_info[2] if record.exc_info else None
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found[-12:]


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return "•••"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, _PLAIN) else f"<{type(value).__name__}>"
