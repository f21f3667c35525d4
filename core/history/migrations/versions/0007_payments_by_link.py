"""Payments that were told of, by the link that was paid: looked up for every link that a notice is about to have again."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    op.create_index("told_payments_by_link", "told_payments", ["company", "link"], unique=False)
