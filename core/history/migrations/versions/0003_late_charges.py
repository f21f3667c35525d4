"""Late charges, what was announced of them, and when an item has to be looked at for them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables and columns of 0.3."""
    op.add_column("items", sa.Column("next_charge_on", sa.Date(), nullable=True))
    op.create_index("items_by_next_charge", "items", ["company", "next_charge_on"], unique=False)
    op.create_table(
        "late_charges",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("charge_key", sa.String(length=300), nullable=False),
        sa.Column("charge_id", sa.String(length=16), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("invoice_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=50), nullable=False),
        sa.Column("period", sa.String(length=20), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reversed_minor", sa.BigInteger(), nullable=False),
        sa.Column("calculation", sa.Text(), nullable=False),
        sa.Column("placement", sa.String(length=10), nullable=False),
        sa.Column("statement", sa.String(length=7), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("marker", sa.String(length=60), nullable=False),
        sa.Column("charged_on", sa.Date(), nullable=True),
        sa.Column("document_id", sa.String(length=200), nullable=False),
        sa.Column("document_number", sa.Text(), nullable=False),
        sa.Column("on_invoice", sa.Boolean(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=True),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("company", "charge_key"),
    )
    op.create_index("late_charges_by_item", "late_charges", ["company", "item_id"], unique=False)
    op.create_index("late_charges_by_status", "late_charges", ["company", "status"], unique=False)
    op.create_index("late_charges_by_document", "late_charges", ["company", "document_id"], unique=False)
    op.create_table(
        "charge_announcements",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("rule", sa.String(length=50), nullable=False),
        sa.Column("announced_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("company", "item_id", "rule"),
    )
