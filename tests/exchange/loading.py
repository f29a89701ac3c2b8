"""Imports for tests, and a look at everything that they wrote."""

from pathlib import Path
from typing import Any

from registry.access.workspace import Workspace
from registry.exchange import imports
from registry.exchange.imports import Imported
from registry.exchange.mapping import Format, Mapping
from tests.exchange.files import archive, mailchimp
from tests.persons import CALLER

HOME = "home@x.test"


async def load(
    workspace: Workspace, path: Path, told: Mapping | None = None, form: Format = "mailchimp", **options: Any
) -> Imported:
    return await imports.run(workspace, CALLER, path, form, told or mailchimp(), **options)


async def load_rows(
    workspace: Workspace,
    tmp_path: Path,
    told: Mapping | None = None,
    /,
    *,
    dry_run: bool = False,
    **members: Any,
) -> Imported:
    return await load(workspace, archive(tmp_path / "f.zip", **members), told, dry_run=dry_run)


async def rows_of(workspace: Workspace) -> dict[str, list[Any]]:
    """Everything that an import writes, but for the log of what was done."""
    tables = (
        "contact",
        "assignment",
        "identifier",
        "contact_field",
        "consent_entry",
        "address",
        "address_refusal",
    )
    async with workspace.database.begin(CALLER) as session:
        found = {table: sorted(await session.all(f"SELECT * FROM {table}"), key=repr) for table in tables}
        found["gate_state"] = sorted(await session.all("SELECT * FROM gate_state"), key=repr)
    return found


async def count(workspace: Workspace, table: str) -> int:
    async with workspace.database.begin(CALLER) as session:
        return int(await session.value(f"SELECT count(*) FROM {table}"))
