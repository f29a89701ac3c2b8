"""A command imports what it uses: whoever asks the gate does not wait for mails, pages and imports of files."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import registry
from registry.cli import zgoda
from registry.kit.config import Settings
from registry.opening import opened
from tests import persons

# What no answer, no withdrawal and no look at a person needs; each takes from 10 to 100 ms.
_FOREIGN = {
    *(
        "aiosmtpd",
        "aiosmtplib",
        "alembic",
        "babel",
        "charset_normalizer",
        "email_validator",
        "httpx",
        "jinja2",
    ),
    *("liquid", "litestar", "mako", "phonenumbers", "pygments", "rich", "structlog", "uvicorn", "uvloop"),
}
_AREAS = {
    f"registry.{area}"
    for area in ("app", "campaigns", "demo", "dispatch", "exchange", "portal", "subject_requests", "worker")
}
_HEAVY = {"asyncio", "cryptography", "psycopg", "psycopg_pool", "pydantic"}

_RUN = """
import json, sys
from registry.cli import zgoda
from registry.kit.terminal import guard
if "ZGODA_DATABASE_URL" in __import__("os").environ:
    # The suite's own server gives up crash safety for speed.
    from registry.kit import server_settings
    server_settings.REQUIREMENTS = server_settings.SILENCE
code = guard(zgoda)
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""


def imported(*arguments: str, settings: Settings | None = None) -> set[str]:
    """The modules that a command imported; it has to end well."""
    environment = dict(os.environ)
    if settings is not None:
        environment |= {
            "ZGODA_DATA": str(settings.data),
            "ZGODA_DATABASE_URL": str(settings.database_url),
            "ZGODA_APP_URL": str(settings.app_url),
            "ZGODA_RETENTION_URL": str(settings.retention_url),
        }
    done = subprocess.run(
        [sys.executable, "-c", _RUN, *arguments],
        capture_output=True, text=True, check=False, timeout=120, env=environment,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


def superfluous(modules: set[str], unwanted: set[str]) -> set[str]:
    return {name for name in unwanted if any(one == name or one.startswith(f"{name}.") for one in modules)}


def test_help_imports_no_command() -> None:
    for arguments in (["--help"], ["contact", "--help"]):
        modules = imported(*arguments)
        commands = {name for name in modules if name.startswith("registry.") and name.endswith("commands")}
        assert commands == {"registry.kit.late_commands"}
    assert not superfluous(imported("--help"), _FOREIGN | _AREAS | _HEAVY)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "email:nobody@example.org", "newsletter", "email"),
        ("consent", "withdraw", "external:1", "newsletter", "email"),
        ("consent", "history", "external:1", "--json"),
        ("contact", "show", "external:1", "--json"),
        ("policy", "list", "--json"),
        ("apikey", "list", "--json"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
async def test_a_command_imports_nothing_of_other_areas(arguments, workspace, settings):
    await persons.make(workspace, "anna@example.org", external="1")
    async with opened(settings):
        pass  # what is due once is done
    assert not superfluous(imported(*arguments, settings=settings), _FOREIGN | _AREAS)


def commands_of(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group that does something, with the name under which it is called."""
    for name in group.commands:
        command = group.commands[name]
        if isinstance(command, click.Group):
            yield from commands_of(command)
        else:
            yield name, command


def test_every_command_that_is_written_is_listed_under_its_name() -> None:
    listed = {id(command): name for name, command in commands_of(zgoda)}
    written = {}
    for module in pkgutil.walk_packages(registry.__path__, "registry."):
        if module.name.endswith("commands") or module.name in ("registry.serving", "registry.founding"):
            found = vars(importlib.import_module(module.name)).values()
            written |= {
                id(one): one.name
                for one in found
                if isinstance(one, click.Command) and not hasattr(one, "commands")
            }
    assert listed == written


def test_lines_in_lists_of_commands_are_whole_on_a_narrow_terminal() -> None:
    for words in ([], ["consent"], ["contact"], ["decision"], ["policy"]):
        command: click.Command = zgoda
        for word in words:
            assert isinstance(command, click.Group)
            command = command.commands[word]
        told = command.get_help(click.Context(command, info_name="zgoda", terminal_width=80))
        lines = told.partition("Commands:\n")[2].splitlines()
        assert lines
        assert not [line for line in lines if line.endswith("...") or line.startswith("   ")]
