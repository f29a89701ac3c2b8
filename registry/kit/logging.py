"""Logging: one JSON object a line on stderr, with names of things and never the things themselves."""

import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TextIO

import msgspec

Event = dict[str, Any]

# What a library's own message says may hold values (a unique violation prints the row), so only these speak.
_QUIET = (
    "uvicorn",
    "litestar",
    "psycopg",
    "psycopg.pool",
    "sqlalchemy",
    "alembic",
    "asyncio",
    "mail",
    "aiosmtplib",
)


def name_of(error: BaseException) -> str:
    """The class of an error, with its module unless built in."""
    kind = type(error)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def place_of(error: BaseException) -> str | None:
    """`module:line` of the innermost frame in an area of ours, else in the kit, else anywhere."""
    frames: list[tuple[str, int]] = []
    step = error.__traceback__
    while step is not None:
        frames.append((step.tb_frame.f_globals.get("__name__", "?"), step.tb_lineno))
        step = step.tb_next
    ours = [frame for frame in frames if frame[0].startswith("registry.")]
    areas = [frame for frame in ours if not frame[0].startswith("registry.kit.")]
    chosen = (areas or ours or frames)[-1:]
    return f"{chosen[0][0]}:{chosen[0][1]}" if chosen else None


@dataclass(slots=True)
class _Configuration:
    """What `configure` was told. structlog learns of it with the first event: most commands have nothing to tell, and
    importing it takes longer than asking the gate.
    """

    told: bool = False
    level: int = logging.INFO
    # None is whatever stderr is at the time, so that a captured stderr sees it too.
    stream: TextIO | None = None
    # What structlog was given; empty until there was an event.
    processors: list[Any] = field(default_factory=list)
    renderer: Any = None

    def structlog(self) -> Any:
        """structlog, configured as we were; before that, as it comes."""
        import structlog

        if self.processors or not self.told:
            return structlog
        self.renderer = structlog.processors.JSONRenderer(_as_json)
        self.processors = [
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _error_by_name,
            self.renderer,
        ]
        structlog.configure(
            processors=self.processors,
            wrapper_class=structlog.make_filtering_bound_logger(self.level),
            logger_factory=lambda *_: structlog.WriteLogger(self.stream or sys.stderr),
            cache_logger_on_first_use=False,
        )
        return structlog

    def is_heard(self) -> bool:
        """Whether somebody may listen in: `structlog.testing.capture_logs` puts its own processor into the list."""
        return not self.told or (bool(self.processors) and self.processors[-1] is not self.renderer)


_configuration = _Configuration()


def _error_by_name(_: object, __: str, event: Event) -> Event:
    """Say which error it was and where it was raised; its text may quote personal data."""
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    elif isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["error"] = name_of(error)
        if place := place_of(error):
            event["at"] = place
    return event


def _as_json(event: Event, **_: Any) -> str:
    """One event as JSON; several times faster than the standard library, and there is one for every request."""
    return msgspec.json.encode(event, enc_hook=str).decode()


class Logger:
    """Tells of one area; events are `noun.state` and fields are ids, counts and codes."""

    __slots__ = ("_area",)

    def __init__(self, area: str) -> None:
        self._area = area

    def debug(self, event: str, **fields: Any) -> None:
        self._tell(logging.DEBUG, "debug", event, fields)

    def info(self, event: str, **fields: Any) -> None:
        self._tell(logging.INFO, "info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._tell(logging.WARNING, "warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._tell(logging.ERROR, "error", event, fields)

    def _tell(self, number: int, level: str, event: str, fields: Event) -> None:
        if number >= _configuration.level:
            getattr(_configuration.structlog().get_logger(area=self._area), level)(event, **fields)


def log(area: str) -> Logger:
    """A logger for one area; modules may ask before `configure` was called."""
    return Logger(area)


def often(area: str, event: str) -> Callable[[Event], None]:
    """Tells of an event that there is for every request: the line that `log(area).info(event, ...)` would write,
    in a third of the time, by fields that become its own. Where somebody listens in, structlog's own way.
    """
    usual = partial(log(area).info, event)

    def tell(fields: Event) -> None:
        if _configuration.is_heard():
            usual(**fields)
        elif _configuration.level <= logging.INFO:
            fields["area"], fields["event"] = area, event
            fields["level"] = "info"
            fields["time"] = f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"
            out = _configuration.stream or sys.stderr
            out.write(_as_json(fields) + "\n")
            out.flush()

    return tell


class _NameOnly(logging.Handler):
    """Library messages: the logger's name and level, not the text, which may quote a row."""

    def emit(self, record: logging.LogRecord) -> None:
        level = record.levelname.lower()
        tell = getattr(_configuration.structlog().get_logger(), level)
        with suppress(OSError, ValueError):  # a stderr that is closed is no reason for a library to fail
            tell(f"{record.name}.{level}", exc_info=record.exc_info)


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send our events, and warnings of libraries by name only, to `stream` (stderr) as JSON lines."""
    _configuration.level, _configuration.stream = logging.getLevelName(level.upper()), stream
    _configuration.told, _configuration.processors = True, []
    if "structlog" in sys.modules:
        _configuration.structlog()
    root = logging.getLogger()
    root.handlers[:] = [_NameOnly()]
    root.setLevel(logging.WARNING)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)
