"""Evidence of secure calls, and payment sessions found by their call."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from ivr.storage.types import UTCDateTime

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Take the tables one step on."""
    op.create_table(
        "call_evidence",
        sa.Column("call", sa.String(length=64), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("call", name=op.f("pk_call_evidence")),
    )
    with op.batch_alter_table("call_evidence", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_call_evidence_started_at"), ["started_at"], unique=False
        )

    with op.batch_alter_table("payment_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payment_sessions_call"), ["call"], unique=False)


def downgrade() -> None:
    """Take the step back."""
    with op.batch_alter_table("payment_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payment_sessions_call"))

    with op.batch_alter_table("call_evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_call_evidence_started_at"))

    op.drop_table("call_evidence")
