"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of 0.1."""
    op.create_table(
        "allocations",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("allocation_id", sa.String(length=200), nullable=False),
        sa.Column("invoice_id", sa.String(length=200), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("source_kind", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("allocated_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("company", "allocation_id"),
    )
    op.create_index("allocations_by_invoice", "allocations", ["company", "invoice_id"], unique=False)
    op.create_table(
        "approvals",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("claim_key", sa.String(length=300), nullable=False),
        sa.Column("action_key", sa.String(length=40), nullable=False),
        sa.Column("proposed_at", sa.DateTime(), nullable=False),
        sa.Column("approved_at", sa.DateTime(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company", "claim_key"),
    )
    op.create_table(
        "attempt_items",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("attempt_id", sa.String(length=40), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("claim_key", sa.String(length=300), nullable=True),
        sa.Column("invoice_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("level_key", sa.String(length=50), nullable=False),
        sa.Column("level_days", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("company", "attempt_id", "item_id"),
    )
    op.create_index("attempt_items_by_item", "attempt_items", ["company", "item_id"], unique=False)
    op.create_index("attempt_items_claimed_once", "attempt_items", ["company", "claim_key"], unique=True)
    op.create_table(
        "attempts",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("attempt_id", sa.String(length=40), nullable=False),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("action_key", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("level", sa.String(length=50), nullable=False),
        sa.Column("notice", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.Text(), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(), nullable=False),
        sa.Column("settled_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("company", "attempt_id"),
    )
    op.create_index("attempts_by_customer", "attempts", ["company", "customer_id"], unique=False)
    op.create_index("attempts_by_status", "attempts", ["company", "status"], unique=False)
    op.create_table(
        "audit",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("company", "seq"),
    )
    op.create_table(
        "bad_addresses",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("since_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("company", "email"),
    )
    op.create_table(
        "companies",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("rules_fingerprint", sa.String(length=64), nullable=False),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("synced_at", sa.DateTime(), nullable=True),
        sa.Column("last_bank_entry_on", sa.Date(), nullable=True),
        sa.Column("first_sent_at", sa.DateTime(), nullable=True),
        sa.Column("run_id", sa.String(length=32), nullable=False),
        sa.Column("run_owner", sa.String(length=200), nullable=False),
        sa.Column("run_until", sa.DateTime(), nullable=True),
        sa.Column("audit_seq", sa.BigInteger(), nullable=False),
        sa.Column("audit_hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("company"),
    )
    op.create_table(
        "cursors",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("stream", sa.String(length=64), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company", "stream"),
    )
    op.create_table(
        "customers",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.String(length=200), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("last_contact_on", sa.Date(), nullable=True),
        sa.Column("last_contact_how", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company", "customer_id"),
    )
    op.create_table(
        "holds",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("hold_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("invoice_id", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company", "hold_id"),
    )
    op.create_index("holds_by_customer", "holds", ["company", "customer_id"], unique=False)
    op.create_table(
        "items",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("invoice_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("instalment_count", sa.Integer(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("due_date", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("outstanding_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("contact_id", sa.String(length=200), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("disputed", sa.Text(), nullable=False),
        sa.Column("do_not_chase", sa.Text(), nullable=False),
        sa.Column("page_url", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("settled_on", sa.Date(), nullable=True),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.Column("cycle", sa.Integer(), nullable=False),
        sa.Column("level_key", sa.String(length=50), nullable=False),
        sa.Column("level_days", sa.Integer(), nullable=False),
        sa.Column("level_on", sa.Date(), nullable=True),
        sa.Column("level_sends", sa.Integer(), nullable=False),
        sa.Column("open_attempt", sa.String(length=40), nullable=False),
        sa.Column("task_key", sa.String(length=80), nullable=False),
        sa.Column("next_action_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("company", "item_id"),
    )
    op.create_index("items_by_customer", "items", ["company", "customer_id", "status"], unique=False)
    op.create_index("items_by_invoice", "items", ["company", "invoice_id"], unique=False)
    op.create_index("items_by_next_action", "items", ["company", "next_action_on", "customer_id"], unique=False)
    op.create_table(
        "unapplied_credits",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("credit_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("remaining_minor", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("pass_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("company", "credit_id", "kind"),
    )
    op.create_index("credits_by_customer", "unapplied_credits", ["company", "customer_id"], unique=False)
    op.create_table(
        "work_list",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("task_id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("invoice_ids", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("company", "task_id"),
    )
    op.create_table(
        "write_backs",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("marker", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("invoice_id", sa.String(length=200), nullable=False),
        sa.Column("customer_id", sa.String(length=200), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("ledger_id", sa.Text(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=False),
        sa.Column("is_written", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("company", "marker"),
    )
    op.create_index("write_backs_waiting", "write_backs", ["company", "is_written"], unique=False)
