"""The command line: one group, to which every area adds its commands."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

from registry import __version__, founding, serving
from registry.gate import cases
from registry.kit import config, logging
from registry.kit.terminal import PURPOSE, REASON, Terminal, guard
from registry.opening import opened
from registry.policy import commands as policy_commands

# Each has a module `commands` with `register(group)`.
AREAS = (
    "policy",
    "contacts",
    "consents",
    "gate",
    "exchange",
    "dispatch",
    "campaigns",
    "subject_requests",
    "audit",
    "access",
    "demo",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="The data folder; also by ZGODA_DATA; else .zgoda here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print results as one JSON object.")
@click.option(
    "--purpose", default=PURPOSE, show_default=True, help="What personal data are read for; kept in the log."
)
@click.option("--reason", default=REASON, show_default=True, help="Why they are read; kept in the log.")
@click.version_option(__version__, prog_name="zgoda")
@click.pass_context
def zgoda(ctx: click.Context, data: Path | None, as_json: bool, purpose: str, reason: str) -> None:
    """Contacts, their consents, and the gate that every message passes.

    A REF is our id, email:ADDRESS, phone:NUMBER or external:ID.
    Exit codes: 0 done, 1 refused with a reason, 2 wrong usage.
    """
    settings = config.load(data=data)
    logging.configure(settings.log_level)
    ctx.obj = Terminal(settings, as_json, purpose, reason, opened)


def _compose(group: click.Group) -> None:
    policy_commands.also_check(cases.failures)
    founding.register(group)
    serving.register(group)
    for area in AREAS:
        if find_spec(f"registry.{area}") and find_spec(f"registry.{area}.commands"):
            import_module(f"registry.{area}.commands").register(group)
    policy_commands.also_check(cases.failures)


_compose(zgoda)


def main() -> None:
    """The entry point `zgoda`."""
    sys.exit(guard(zgoda))
