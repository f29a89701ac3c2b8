"""Consent and the gate in depth: permits, terms of age and activity, lists, caps, merges, collection points."""

from pathlib import Path

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# SQL that must run in this order; each file is about one area and grants what its tables need.
_AREAS = (
    "standing",
    "policy",
    "contacts",
    "consents",
    "collection",
    "gate",
    "permits",
    "merging",
    "devices",
    "dispatch",
)


def upgrade() -> None:
    folder = Path(__file__).with_name("0002_depth")
    for area in _AREAS:
        if text := (folder / f"{area}.sql").read_text(encoding="utf-8").strip():
            op.get_bind().exec_driver_sql(text)


def downgrade() -> None:
    raise RuntimeError("the ledger is never taken down: restore a backup instead")
