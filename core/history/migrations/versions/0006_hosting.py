"""What a host keeps: how it stands with each company, alerts, webhooks that were heard, links to connect with."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of a host."""
    _states()
    _web()
    _erasure()
    _watching()


def _states() -> None:
    instants = ("sync_done_for", "run_done_for", "complete_done_for", "synced_ok_at", "ran_ok_at", "wished_at", "began_at", "not_before")
    op.create_table(
        "company_states",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        *(sa.Column(name, sa.DateTime(), nullable=True) for name in (*instants, "trouble_since")),
        sa.Column("began_kind", sa.String(length=10), nullable=False),
        sa.Column("began_by", sa.String(length=200), nullable=False),
        sa.Column("began_times", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.String(length=12), nullable=False),
        sa.Column("trouble_job", sa.String(length=10), nullable=False),
        sa.Column("trouble_error", sa.String(length=40), nullable=False),
        sa.Column("trouble_text", sa.Text(), nullable=False),
        sa.Column("trouble_hint", sa.Text(), nullable=False),
        sa.Column("last_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("company"),
    )
    op.create_index("company_states_waiting", "company_states", ["not_before"], unique=False)
    op.create_index("company_states_wished", "company_states", ["wished_at"], unique=False)


def _web() -> None:
    op.create_index("authorizations_by_tenant", "authorizations", ["ledger", "tenant_id"], unique=False)
    op.create_table(
        "webhook_events",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.String(length=300), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("company", "service", "event_id"),
    )
    op.create_index("webhook_events_by_age", "webhook_events", ["seen_at"], unique=False)
    op.create_table(
        "connect_links",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("link_digest", sa.String(length=64), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("state_digest", sa.String(length=64), nullable=False),
        sa.Column("browser_digest", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=True),
        sa.Column("used_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("company", "link_digest"),
    )
    op.create_index("connect_links_by_link", "connect_links", ["link_digest"], unique=True)
    op.create_index("connect_links_by_state", "connect_links", ["state_digest"], unique=False)


def _watching() -> None:
    op.create_table(
        "alerts",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("alert_key", sa.String(length=80), nullable=False),
        sa.Column("severity", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        *(sa.Column(name, sa.DateTime(), nullable=True) for name in ("told_at", "ended_at", "end_told_at")),
        sa.PrimaryKeyConstraint("company", "alert_key"),
    )
    op.create_index("alerts_by_end", "alerts", ["ended_at"], unique=False)
    op.create_table(
        "host_duties",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("duty", sa.String(length=250), nullable=False),
        sa.Column("done_for", sa.DateTime(), nullable=False),
        sa.Column("holder", sa.String(length=200), nullable=False),
        sa.Column("held_until", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("company", "duty"),
    )
    op.create_table(
        "unsent_items",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("company", "item_id"),
    )
    op.create_index("work_list_by_end", "work_list", ["company", "done_at"], unique=False)
    op.add_column("call_counts", sa.Column("most", sa.BigInteger(), nullable=True))


def _erasure() -> None:
    """Erasing, and bringing back. Nobody knows since when the customers that are there were known: the first look at how old they are
    takes them for new."""
    op.add_column("customers", sa.Column("known_on", sa.Date(), nullable=True))
    op.add_column("companies", sa.Column("restored_to", sa.DateTime(), nullable=True))
    op.create_table(
        "erased_customers",
        sa.Column("company", sa.String(length=64), nullable=False),
        sa.Column("customer_digest", sa.String(length=64), nullable=False),
        sa.Column("pseudonym", sa.String(length=200), nullable=False),
        sa.Column("erased_at", sa.DateTime(), nullable=False),
        sa.Column("is_back", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("company", "customer_digest"),
    )
