"""The frame: keys, policies, persons and addresses, the ledger, the gate, the audit log, sending, requests."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SQL that must run in this order; each file is about one area.
_AREAS = (
    "keys",
    "audit",
    "access",
    "policy",
    "standing",
    "contacts",
    "consents",
    "gate",
    "dispatch",
    "exchange",
    "subject_requests",
    "grants",
)


def upgrade() -> None:
    folder = Path(__file__).with_name("0001_frame")
    for area in _AREAS:
        op.get_bind().exec_driver_sql((folder / f"{area}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    raise RuntimeError("the ledger is never taken down: restore a backup instead")
