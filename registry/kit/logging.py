"""Logging: one JSON object a line on stderr, with names of things and never the things themselves."""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

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


def _error_by_name(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
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


class _NameOnly(logging.Formatter):
    """Library messages: the logger's name and level, not the text, which may quote a row."""

    def __init__(self, renderer: structlog.stdlib.ProcessorFormatter) -> None:
        super().__init__()
        self._renderer = renderer

    def format(self, record: logging.LogRecord) -> str:
        kept = logging.LogRecord(
            record.name,
            record.levelno,
            "",
            0,
            f"{record.name}.{record.levelname.lower()}",
            None,
            record.exc_info,
        )
        kept.exc_text = None
        return self._renderer.format(kept)


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send our events, and warnings of libraries by name only, to `stream` (stderr) as JSON lines."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _error_by_name,
    ]
    processors = [*shared, structlog.processors.JSONRenderer(_as_json)]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.WriteLoggerFactory(stream) if stream else _StderrFactory(),
        cache_logger_on_first_use=False,
    )
    global _straight  # noqa: PLW0603  # as structlog's own configuration, there is one for the process
    _straight = _Straight(processors, stream, silent=logging.getLevelName(level.upper()) > logging.INFO)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(_as_json),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(_NameOnly(formatter))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


def often(area: str, event: str) -> Callable[[EventDict], None]:
    """Tells of an event that there is for every request: the line that `log(area).info(event, ...)` would write,
    in a third of the time. Where `configure` was not called, or somebody listens in, structlog's own way.
    """
    usual = log(area)

    def tell(fields: EventDict) -> None:
        if _straight is None or _straight.is_detoured():
            usual.info(event, **fields)
        elif not _straight.silent:
            fields["area"], fields["event"] = area, event
            _straight.write(fields)

    return tell


class _Straight:
    """What structlog was configured to do, done at once."""

    def __init__(self, processors: list[Any], stream: TextIO | None, *, silent: bool) -> None:
        self._processors = processors
        self._renderer = processors[-1]
        self._stream = stream
        self.silent = silent

    def is_detoured(self) -> bool:
        """`structlog.testing.capture_logs` puts its own processor into this very list."""
        return self._processors[-1] is not self._renderer

    def write(self, event: EventDict) -> None:
        event["level"] = "info"
        event["time"] = f"{datetime.now(UTC).replace(tzinfo=None).isoformat()}Z"
        out = self._stream or sys.stderr
        out.write(_as_json(event) + "\n")
        out.flush()


_straight: _Straight | None = None


class _StderrFactory:
    """Writes to whatever stderr is at the time, so that a captured stderr sees it too."""

    def __call__(self, *args: Any) -> structlog.WriteLogger:
        return structlog.WriteLogger(sys.stderr)


def _as_json(event: EventDict, **_: Any) -> str:
    """One event as JSON; several times faster than the standard library, and there is one for every request."""
    return msgspec.json.encode(event, enc_hook=str).decode()


def log(area: str) -> Any:
    """A logger for one area; events are `noun.state` and fields are ids, counts and codes."""
    # Not bound yet: modules ask before `configure` was called.
    return structlog.get_logger(area=area)
