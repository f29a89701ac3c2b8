"""An address's "no" says whether it objects, and one that a consent lifted stands again when that consent does not."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Of what stands there already nobody knows: it takes a grant at first hand, as an objection does (art. 21). So does
    # what a node of the release before, which goes on for a while, writes without it.
    "ALTER TABLE address_refusal ADD COLUMN objection boolean NOT NULL DEFAULT true",
    # The gate's rows follow from more than before: every purpose is filled again at the next start.
    "UPDATE purpose SET filled_from = NULL",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    raise RuntimeError("the ledger is never taken down: restore a backup instead")
