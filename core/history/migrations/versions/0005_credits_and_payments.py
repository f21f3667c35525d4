"""Credits that are wanted, payments that a provider told of, early-payment discounts of items, and whether a late charge is taxed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns of credits and payments. Of charges that were decided before nobody asked whether they are taxed."""
    op.add_column("items", sa.Column("discount_until", sa.Date(), nullable=True))
    op.add_column("items", sa.Column("discount_minor", sa.BigInteger(), nullable=True))
    op.add_column("items", sa.Column("look_for_discount", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index("items_by_look_for_discount", "items", ["company", "look_for_discount"], unique=False)
    op.add_column("late_charges", sa.Column("is_taxed", sa.Boolean(), nullable=True))
    op.create_table(
        "credits_wanted",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("marker", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("invoice_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("document_id", sa.String(length=200), nullable=False),
        sa.Column("document_number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("charge_marker", sa.String(length=60), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("hold_id", sa.String(length=40), nullable=False),
        sa.Column("credit_id", sa.String(length=200), nullable=False),
        sa.Column("credit_number", sa.Text(), nullable=False),
        sa.Column("is_void", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("company", "marker"),
    )
    op.create_index("credits_wanted_by_status", "credits_wanted", ["company", "status"], unique=False)
    op.create_index("credits_wanted_by_item", "credits_wanted", ["company", "item_id"], unique=False)
    op.create_index("credits_wanted_by_hold", "credits_wanted", ["company", "hold_id"], unique=False)
    op.create_table(
        "told_payments",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=40), nullable=False),
        sa.Column("payment_id", sa.String(length=200), nullable=False),
        sa.Column("marker", sa.String(length=60), nullable=False),
        sa.Column("invoice_id", sa.String(length=200), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("hold_id", sa.String(length=40), nullable=False),
        sa.Column("recorded_id", sa.String(length=200), nullable=False),
        sa.Column("recorded_number", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("company", "provider", "payment_id"),
    )
    op.create_index("told_payments_by_status", "told_payments", ["company", "status"], unique=False)
