"""Groups that list their commands without importing them: a call pays for what it uses, and not for all others."""

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, NamedTuple

import click


class Late(NamedTuple):
    """A command that nobody called yet: where it is, as `module:name`, and its line in the list of commands."""

    place: str
    line: str

    def load(self) -> click.Command:
        """The command itself, with all that its module imports."""
        module, _, name = self.place.partition(":")
        found = getattr(import_module(module), name)
        if not isinstance(found, click.Command):
            raise TypeError(f"{self.place} is no command")
        return found


class _Commands(MutableMapping[str, click.Command]):
    """Commands by name; each is imported when it is first asked for, and only named until then."""

    def __init__(self, commands: Mapping[str, Late | click.Command]) -> None:
        self._commands = dict(commands)

    def __getitem__(self, name: str) -> click.Command:
        found = self._commands[name]
        if isinstance(found, Late):
            found = self._commands[name] = found.load()
        return found

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._commands[name] = command

    def __delitem__(self, name: str) -> None:
        del self._commands[name]

    def __contains__(self, name: object) -> bool:
        return name in self._commands

    def __iter__(self) -> Iterator[str]:
        return iter(self._commands)

    def __len__(self) -> int:
        return len(self._commands)


class LateGroup(click.Group):
    """A group whose commands may be `Late`; in every other way one of click's."""

    def __init__(
        self, name: str | None = None, commands: Mapping[str, Late | click.Command] | None = None, **rest: Any
    ) -> None:
        given = commands or {}
        super().__init__(name, commands=_Commands(given), **rest)
        self._lines = {each: late.line for each, late in given.items() if isinstance(late, Late)}

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, each with its line; nothing is imported for it."""
        names = self.list_commands(ctx)
        width = formatter.width - 6 - max(map(len, names), default=0)
        rows = [(name, self._line(ctx, name, width)) for name in names]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def _line(self, ctx: click.Context, name: str, width: int) -> str:
        if name in self._lines:
            return self._lines[name]
        command = self.get_command(ctx, name)
        return command.get_short_help_str(width) if command else ""
