"""The command line's manners: results on stdout, everything else on stderr, one clear line for an error."""

import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click
import msgspec

from registry.kit.caller import OPERATOR, Caller
from registry.kit.errors import Misuse, Refused
from registry.kit.logging import name_of, place_of

if TYPE_CHECKING:
    from rich.console import RenderableType

    from registry.kit.config import Settings

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

PURPOSE, REASON = "operation", "local operator"


@dataclass(frozen=True)
class Terminal:
    """What every command is given as `ctx.obj`: settings, how to answer, why it is run, and how to open the rest.

    `opened(settings)` gives the open installation (`registry.access.workspace.Workspace`).
    """

    settings: "Settings"
    json: bool
    purpose: str
    reason: str
    opened: Callable[..., AbstractAsyncContextManager[Any]]

    def open(self) -> AbstractAsyncContextManager[Any]:
        """The open installation, for the time of an `async with`."""
        return self.opened(self.settings)

    def caller(self) -> Caller:
        """The person at the terminal, with the purpose and reason they gave."""
        return Caller(OPERATOR, self.purpose, self.reason)


def terminal_of(ctx: click.Context) -> Terminal:
    """The terminal of a running command."""
    found = ctx.find_object(Terminal)
    if found is None:
        raise RuntimeError("a command ran outside the zgoda group")
    return found


def emit(terminal: Terminal, result: Mapping[str, Any], text: "str | RenderableType") -> None:
    """Print a result: with --json `result` as one JSON object on one line, else `text` (a rich renderable or str)."""
    if terminal.json:
        click.echo(json.dumps(result, ensure_ascii=False, default=str))
    else:
        _print(text, sys.stdout)


def as_json(value: Any) -> dict[str, Any]:
    """A schema's value as the API gives it."""
    told: dict[str, Any] = json.loads(msgspec.json.encode(value))
    return told


def note(text: "str | RenderableType") -> None:
    """Say something that is not a result: on stderr."""
    _print(text, sys.stderr)


def _print(text: "str | RenderableType", file: TextIO) -> None:
    if isinstance(text, str):
        click.echo(text, file=file)
    else:
        from rich.console import Console

        # Into a file or a pipe nothing is cut to a screen's width.
        width = None if file.isatty() else 240
        Console(file=file, highlight=False, width=width).print(text)


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr (nothing when stderr is no terminal); yields `advance(by)`.

    `total` is the count of things to do, None when it is not known.
    """
    if not sys.stderr.isatty():
        yield lambda by: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=False,
    )
    with bar:
        task = bar.add_task(label, total=total)
        yield lambda by: bar.advance(task, by)


def prints_result(command: F) -> F:
    """Let a command take --json after its name as well as before."""
    return _chosen("--json", "json", is_flag=True, help="Print the result as one JSON object.")(command)


def reads_persons(command: F) -> F:
    """Let a command that reads personal data take --purpose and --reason after its name; includes --json."""
    named = _chosen("--reason", "reason", metavar="TEXT", help="Why these data are read; kept in the log.")(
        command
    )
    named = _chosen("--purpose", "purpose", metavar="PURPOSE", help="What for; kept in the log.")(named)
    return prints_result(named)


def _chosen(option: str, name: str, **attributes: Any) -> Callable[[F], F]:
    """An option that changes the Terminal and is not passed to the function."""

    def remember(ctx: click.Context, _: click.Parameter, value: Any) -> Any:
        if value:
            ctx.obj = replace(terminal_of(ctx), **{name: value})
        return value

    return click.option(
        option, f"_{name}", expose_value=False, callback=remember, is_eager=True, **attributes
    )


def runs(command: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
    """Make a coroutine function a click callback; its first argument is the Terminal."""

    @click.pass_context
    def call(ctx: click.Context, /, *args: Any, **kwargs: Any) -> T:
        import asyncio

        try:
            return asyncio.run(command(terminal_of(ctx), *args, **kwargs))
        except (Refused, ExceptionGroup) as error:
            if (refusal := _refusal_in(error)) is not None:
                refusal.field = _as_typed(ctx.command, refusal.field)
            raise

    return update_wrapper(call, command)


@contextmanager
def naming(field: str) -> Iterator[None]:
    """What is refused within is about `field`, an option or argument of the command."""
    try:
        yield
    except Refused as error:
        error.field = field
        raise


def _as_typed(command: click.Command, field: str | None) -> str | None:
    """The field that a service names, as it is typed: `time_zone` is `--time-zone`, `ref` is `REF`."""
    typed: dict[str, str] = {}
    # What comes later wins: PURPOSE, which is asked about, over --purpose, which says what for.
    for parameter in sorted(command.params, key=lambda one: isinstance(one, click.Argument)):
        if isinstance(parameter, click.Argument):
            shown = parameter.human_readable_name.strip("[]")
        else:
            shown = max(parameter.opts, key=len)
        typed[shown.lower().lstrip("-").replace("-", "_")] = typed[parameter.name or ""] = shown
    # A person is the `subject` of a request, and the REF of a command.
    if "ref" in typed:
        typed.setdefault("subject", typed["ref"])
    return field and typed.get(field, field)


def guard(command: click.Command, args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 done, 1 refused with a reason, 2 wrong usage.

    Every error is one line on stderr, a JSON object when --json was asked for.
    """
    given = list(sys.argv[1:] if args is None else args)
    as_json = "--json" in given
    try:
        done = command.main(args=given, prog_name="zgoda", standalone_mode=False)
        sys.stdout.flush()
        return done if isinstance(done, int) else 0
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.Abort:
        return _fail(as_json, Refused("command.interrupted", "Interrupted."), 130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.UsageError as error:
        path = error.ctx.command_path if error.ctx else "zgoda"
        return _fail(as_json, Misuse("usage.wrong", error.format_message(), mend=f"{path} --help"), 2)
    except click.ClickException as error:
        return _fail(as_json, Refused("file.unreadable", error.format_message()), 1)
    except (Refused, ExceptionGroup) as error:
        refusal = _refusal_in(error)
        return _unexpected(as_json, error) if refusal is None else _fail(as_json, refusal, refusal.exit_code)
    except KeyboardInterrupt:
        return _fail(as_json, Refused("command.interrupted", "Interrupted."), 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        return _unexpected(as_json, error)


def _refusal_in(error: BaseException) -> Refused | None:
    """The first refusal in a group of errors, as task groups raise them."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, BaseExceptionGroup):
        return next((found for part in error.exceptions if (found := _refusal_in(part))), None)
    return None


def _unexpected(as_json: bool, error: Exception) -> int:
    """An error of ours: its class and place, for its text may quote personal data."""
    if os.environ.get("ZGODA_DEBUG", "").lower() in ("1", "true", "on", "yes"):
        import traceback

        traceback.print_exception(error)
    place = place_of(error)
    detail = f"An unexpected {name_of(error)}" + (f" at {place}." if place else ".")
    return _fail(as_json, Refused("internal.error", detail, mend="ZGODA_DEBUG=1 shows the traceback"), 1)


def _fail(as_json: bool, refusal: Refused, code: int) -> int:
    if as_json:
        told = {"code": refusal.code, "detail": refusal.detail, "field": refusal.field, "mend": refusal.mend}
        click.echo(json.dumps({"error": {k: v for k, v in told.items() if v}}, ensure_ascii=False), err=True)
    else:
        click.echo("zgoda: " + " ".join(refusal.line().split()), err=True)
    return code
