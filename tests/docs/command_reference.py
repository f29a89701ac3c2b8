"""Writes docs/reference/commands.md from the commands themselves, so that it cannot say anything else."""

from collections.abc import Iterator
from typing import Any

import click

from registry.cli import zgoda
from registry.kit.terminal import PURPOSE, REASON

_HEAD = f"""# Commands

Written by `make docs` from the commands; do not edit. `zgoda COMMAND --help` says the same.

A REF is our id, `email:ADDRESS`, `phone:NUMBER` or `external:ID`. Times are ISO 8601 with an offset. Results go to
stdout, everything else to stderr.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | refused: one line `zgoda: CODE: what and why (how to mend it)`; [problems](problems.md) lists the codes. Of \
`policy check`, `policy test` and `audit verify` also: it was looked at and is not in order; the result says what |
| 2 | wrong usage: the command, an option or a value is not what it should be |
| 3 | `permit redeem` alone: the answer is no, and the message must not be sent |
| 130 | interrupted |

With `--json` a result is one JSON object on one line, and a refusal is `{{"error": {{"code", "detail", "field",
"mend"}}}}` on stderr. A deny is an answer, so `zgoda check` ends with 0. What is read of persons is logged with
`--purpose` (default `{PURPOSE}`) and `--reason` (default `{REASON}`); neither may hold an address or a number.
"""


def commands(
    command: click.Command, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that does something, with the words that name it."""
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from commands(command.commands[name], (*words, name))
    else:
        yield words, command


def report() -> str:
    """The text of docs/reference/commands.md."""
    lines = [_HEAD, "## zgoda", "", "Options that stand before the command.", "", *_options(zgoda), ""]
    for words, command in commands(zgoda, ("zgoda",)):
        usage = " ".join([*words, *_usage(command)])
        lines += [f"## {' '.join(words)}", "", f"`{usage}`", "", _told(command), ""]
        if options := _options(command):
            lines += [*options, ""]
    return "\n".join(lines)


def _usage(command: click.Command) -> Iterator[str]:
    context = click.Context(command)
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            yield parameter.make_metavar(context)
    if any(isinstance(parameter, click.Option) for parameter in command.params):
        yield "[OPTIONS]"


def _told(command: click.Command) -> str:
    paragraphs = (command.help or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _options(command: click.Command) -> list[str]:
    rows = []
    for option in command.params:
        if isinstance(option, click.Option):
            names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
            rows.append(f"| {names}{_value(option)} | {_help(option)} |")
    return ["| option | meaning |", "|---|---|", *rows] if rows else []


def _value(option: click.Option) -> str:
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return " " + "\\|".join(f"`{choice}`" for choice in option.type.choices)
    return f" `{option.metavar or option.type.name.upper()}`"


def _help(option: click.Option) -> str:
    parts = [(option.help or "").rstrip(".")]
    default: Any = option.default
    if option.required:
        parts.append("required")
    elif not option.is_flag and isinstance(default, str | int) and not isinstance(default, bool):
        parts.append(f"default `{default}`")
    if option.multiple and "repeatable" not in parts[0]:
        parts.append("may be repeated")
    return "; ".join(part for part in parts if part)
