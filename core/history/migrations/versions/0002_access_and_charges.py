"""Authorizations, call counts, expected payments, and what marks a late charge."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns of 0.2."""
    op.add_column("items", sa.Column("is_late_charge", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("items", sa.Column("ledger_late_fee", sa.Text(), nullable=False, server_default=""))
    op.create_index("allocations_by_source", "allocations", ["company", "source_id"], unique=False)
    op.create_table(
        "expected_payments",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("invoice_id", sa.String(length=200), nullable=False),
        sa.Column("expected_on", sa.Date(), nullable=True),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("ours", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company", "invoice_id"),
    )
    op.create_table(
        "authorizations",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("ledger", sa.String(length=40), nullable=False),
        sa.Column("tenant_id", sa.String(length=200), nullable=False),
        sa.Column("tenant_name", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("refresh_expires_at", sa.DateTime(), nullable=True),
        sa.Column("ends_at", sa.DateTime(), nullable=True),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("renewer", sa.String(length=250), nullable=False),
        sa.Column("renewer_until", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("company"),
    )
    op.create_table(
        "call_counts",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("quota", sa.String(length=200), nullable=False),
        sa.Column("window", sa.String(length=10), nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("company", "quota", "window"),
    )
