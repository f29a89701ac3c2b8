"""The manners of every command: one line for an error, JSON where it was asked for, exit codes 0, 1 and 2."""

import asyncio
import json
import sys
from contextlib import nullcontext
from pathlib import Path

import click
import pytest

from registry.kit import config, server_settings
from registry.kit.errors import Misuse, NotFound, Refused
from registry.kit.terminal import (
    Terminal,
    emit,
    guard,
    naming,
    prints_result,
    progress,
    reads_persons,
    runs,
    terminal_of,
)

MAIL = "anna@example.org"


def unopened(settings: config.Settings) -> None:
    raise AssertionError("not to be opened here")


def group(*commands: click.Command) -> click.Group:
    @click.group()
    @click.option("--json", "as_json", is_flag=True)
    @click.option("--purpose", default="operation")
    @click.option("--reason", default="local operator")
    @click.pass_context
    def root(ctx, as_json, purpose, reason):
        ctx.obj = Terminal(config.Settings(), as_json, purpose, reason, unopened)

    for command in commands:
        root.add_command(command)
    return root


@click.command()
@reads_persons
@runs
async def show(terminal: Terminal) -> None:
    await asyncio.sleep(0)
    caller = terminal.caller()
    emit(terminal, {"actor": caller.actor, "purpose": caller.purpose, "reason": caller.reason}, "text")


def raising(error: BaseException) -> click.Command:
    @click.command("fail")
    @prints_result
    @runs
    async def fail(terminal: Terminal) -> None:
        raise error

    return fail


@pytest.mark.parametrize("args", [["--json", "show"], ["show", "--json"]])
def test_json_is_taken_before_and_after_the_command(args, capsys):
    assert guard(group(show), args) == 0
    assert json.loads(capsys.readouterr().out) == {
        "actor": "operator", "purpose": "operation", "reason": "local operator"
    }  # fmt: skip


def test_purpose_and_reason_after_the_command_win(capsys):
    args = ["--purpose", "a", "show", "--purpose", "dispute", "--reason", "ticket 7", "--json"]
    assert guard(group(show), args) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["purpose"], said["reason"]) == ("dispute", "ticket 7")


def test_text_is_printed_without_json(capsys):
    assert guard(group(show), ["show"]) == 0
    assert capsys.readouterr().out == "text\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("x.wrong", "It is\nwrong.", mend="do y"), 1),
        (NotFound("x.unknown", "No."), 1),
        (Misuse("x.bad", "Bad."), 2),
    ],
)
def test_a_refusal_is_one_line_and_its_exit_code(error, code, capsys):
    assert guard(group(raising(error)), ["fail"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"zgoda: {error.code}: ")
    assert said.err.count("\n") == 1


def test_a_refusal_with_json_is_json_on_stderr(capsys):
    assert (
        guard(
            group(raising(Refused("x.wrong", "It is wrong.", field="--y", mend="do y"))), ["fail", "--json"]
        )
        == 1
    )
    said = capsys.readouterr()
    assert said.out == ""
    assert json.loads(said.err) == {
        "error": {"code": "x.wrong", "detail": "It is wrong.", "field": "--y", "mend": "do y"}
    }


@pytest.mark.parametrize(
    ("field", "detail", "line"),
    [
        ("--y", "It is wrong.", "zgoda: x.wrong: --y: It is wrong. (do z)\n"),
        ("--y", "Where is --y?", "zgoda: x.wrong: Where is --y? (do z)\n"),
        ("--y", "Where is --y-z?", "zgoda: x.wrong: --y: Where is --y-z? (do z)\n"),
        (None, "It is wrong.", "zgoda: x.wrong: It is wrong. (do z)\n"),
    ],
)
def test_a_refusal_names_its_field_once(field, detail, line, capsys):
    assert guard(group(raising(Refused("x.wrong", detail, field=field, mend="do z"))), ["fail"]) == 1
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("ref", "REF"),
        ("purpose", "PURPOSE"),
        ("time_zone", "--time-zone"),
        ("reason", "--reason"),
        ("vkey", "--key"),
        ("other", "REF"),
        ("/elsewhere", "/elsewhere"),
    ],
)
@pytest.mark.parametrize("grouped", [False, True])
def test_a_field_is_told_as_it_is_typed(field, typed, grouped, capsys):
    @click.command("fail")
    @click.argument("ref")
    @click.argument("purpose_id", metavar="[PURPOSE]", default="any")
    @click.option("-t", "--time-zone")
    @click.option("--key", "vkey")
    @reads_persons
    @runs
    async def fail(terminal: Terminal, **_: object) -> None:
        refusal = Refused("x.wrong", "It is wrong.", field=field)
        with naming("ref") if field == "other" else nullcontext():
            raise ExceptionGroup("tasks", [refusal]) if grouped and field != "other" else refusal

    assert guard(group(fail), ["fail", "r", "--json"]) == 1
    assert json.loads(capsys.readouterr().err)["error"]["field"] == typed


def test_a_refusal_in_a_task_group_is_still_that_refusal(capsys):
    error = ExceptionGroup("tasks", [ExceptionGroup("inner", [Refused("x.wrong", "It is wrong.")])])
    assert guard(group(raising(error)), ["fail"]) == 1
    assert "x.wrong" in capsys.readouterr().err


def test_an_unexpected_error_is_named_without_its_text(capsys, monkeypatch):
    monkeypatch.delenv("ZGODA_DEBUG", raising=False)
    assert guard(group(raising(ValueError(MAIL))), ["fail"]) == 1
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert MAIL not in said
    assert "Traceback" not in said
    assert said.count("\n") == 1


def test_the_traceback_is_shown_when_it_was_asked_for(capsys, monkeypatch):
    monkeypatch.setenv("ZGODA_DEBUG", "1")
    assert guard(group(raising(ValueError("why"))), ["fail"]) == 1
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["nothing"], ["show", "--wrong"], []])
def test_wrong_usage_is_2(args, capsys):
    assert guard(group(show), args) == 2
    assert capsys.readouterr().err


def test_an_interrupt_is_130(capsys):
    assert guard(group(raising(KeyboardInterrupt())), ["fail"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_progress_is_silent_where_nobody_looks(capsys):
    with progress("rows", 10) as advance:
        advance(10)
    said = capsys.readouterr()
    assert said.out == said.err == ""


def test_a_command_outside_the_group_is_a_fault_of_ours():
    with pytest.raises(RuntimeError):
        terminal_of(click.Context(click.Command("x")))


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"ZGODA_DATABASE_URL": "postgresql://u:geheim@h/d"}, "ZGODA_APP_URL"),
        ({"ZGODA_LOG_LEVEL": "loud"}, "ZGODA_LOG_LEVEL"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not(environment, words, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Misuse, match=r"setting\.invalid") as refusal:
        config.load()
    assert words in refusal.value.detail
    assert "geheim" not in refusal.value.line()


def test_the_command_line_stands_above_the_environment(monkeypatch):
    monkeypatch.setenv("ZGODA_DATA", "/from/environment")
    assert config.load(data=None).data == Path("/from/environment")
    assert config.load(data=Path("/from/line")).data == Path("/from/line")
    assert config.load(data=Path("/x")).keys_folder == Path("/x/keys")


def test_every_module_of_commands_is_reached_from_the_root(monkeypatch):
    from registry import cli

    assert {"init", "serve", "worker", "apikey", "audit", "policy"} <= set(cli.zgoda.commands)
    monkeypatch.setattr(sys, "argv", ["zgoda", "--version"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 0


def test_every_setting_is_in_the_reference():
    reference = (Path(__file__).parents[2] / "docs" / "reference" / "settings.md").read_text()
    for name in config.Settings.model_fields:
        assert f"`ZGODA_{name.upper()}`" in reference
    for requirement in (*server_settings.DURABILITY, *server_settings.SILENCE):
        assert f"`{requirement.name}`" in reference
