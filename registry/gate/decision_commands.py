"""`zgoda decision`: the gate's answers, kept and proven, and how many of each there were."""

import click

from registry.gate import evidence_commands, export_commands, past_commands


@click.group()
def decision() -> None:
    """What the gate decided: shown, proven, counted and listed over everybody."""


def register(group: click.Group) -> None:
    """Add the commands of this module."""
    for command in (*evidence_commands.COMMANDS, *past_commands.COMMANDS, *export_commands.COMMANDS):
        decision.add_command(command)
    group.add_command(decision)
