"""`zgoda collection`: the forms on record, and what a person saw at one."""

from datetime import datetime
from typing import Any

import click

from registry.kit.errors import Misuse, NotFound
from registry.kit.tables import Table
from registry.kit.terminal import Terminal, emit, prints_result, runs
from registry.policy.collection import CollectionPoint, Control, ControlKind

_MARK = {ControlKind.CHECKBOX: "[ ]", ControlKind.RADIO: "( )", ControlKind.SELECT: "( )"}


@click.group()
def collection() -> None:
    """The forms at which persons leave data, in every version that was published."""


@collection.command("list")
@prints_result
@runs
async def list_(terminal: Terminal) -> None:
    """The forms on record, with the version in use and how many entries were made at each."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        rows = await session.all(
            "SELECT c.point, c.version, c.controller, c.hash, c.recorded_at,"
            " (SELECT count(*) FROM consent_entry e WHERE e.point = c.point AND e.point_version = c.version) AS entries"
            " FROM collection_point c ORDER BY c.point, c.version"
        )
        in_use = {name: versions[-1].version for name, versions in workspace.policies.collection.items()}
    table = Table("point", "version", "in use", "controller", "recorded", "entries", "hash")
    points: list[dict[str, Any]] = []
    for row in rows:
        used = in_use.get(row.point) == row.version
        points.append(_told(row.point, row.version, row.controller, row.recorded_at, bytes(row.hash)))
        points[-1] |= {"in_use": used, "entries": row.entries}
        table.add_row(
            row.point,
            str(row.version),
            "yes" if used else "",
            row.controller,
            f"{row.recorded_at:%Y-%m-%d %H:%M}",
            str(row.entries),
            bytes(row.hash).hex()[:12],
        )
    emit(terminal, {"points": points}, table)


@collection.command("show")
@click.argument("point_id", metavar="POINT")
@click.option("--version", type=click.IntRange(1), help="Which version; left out, the latest on record.")
@click.option("--locale", help="In which language; left out, the form's default.")
@prints_result
@runs
async def show(terminal: Terminal, point_id: str, version: int | None, locale: str | None) -> None:
    """Print what a person saw at POINT: the controls as they stood, and what was told beside them."""
    async with terminal.open() as workspace, workspace.database.begin(terminal.caller()) as session:
        row = await session.first(
            "SELECT body, hash, recorded_at FROM collection_point WHERE point = %s AND version = coalesce(%s,"
            " (SELECT max(version) FROM collection_point WHERE point = %s))",
            (point_id, version, point_id),
        )
    if row is None:
        raise NotFound("point.unknown", "No such form is on record.", mend="see zgoda collection list")
    point = CollectionPoint.model_validate_json(row.body)
    locale = locale or point.default_locale
    if point.text(locale) is None:
        raise Misuse(
            "point.locale_unknown",
            "The form has no text in that language.",
            field="--locale",
            mend=f"one of {', '.join(point.locales)}",
        )
    result = _told(point.id, point.version, point.controller, row.recorded_at, bytes(row.hash))
    emit(
        terminal, {**result, "locale": locale, "form": point.model_dump(mode="json")}, rendered(point, locale)
    )


def _told(point: str, version: int, controller: str, recorded_at: datetime, digest: bytes) -> dict[str, Any]:
    return {
        "point": point,
        "version": version,
        "controller": controller,
        "recorded_at": recorded_at.isoformat(),
        "hash": digest.hex(),
    }


def rendered(point: CollectionPoint, locale: str) -> str:
    """The form as text, in the order in which a person meets it; `*` marks what must be filled in."""
    text = point.text(locale)
    assert text is not None
    lines = [line for control in point.controls for line in _control(point, control, locale)]
    return "\n".join([*lines, "", text.body.rstrip()])


def _control(point: CollectionPoint, control: Control, locale: str) -> list[str]:
    label, *options = point.shown(control, locale).split("\n")
    if control.required:
        label += " *"
    if control.kind is ControlKind.BUTTON:
        return [f"[ {label} ]"]
    if control.options:
        return [label, *(f"  {_MARK[control.kind]} {option}" for option in options)]
    if control.kind is ControlKind.CHECKBOX:
        return [f"{_MARK[control.kind]} {label}"]
    return [f"{label}: ________"]
