"""The tables of the history database. Every table carries the company, and no query runs without it.

Amounts are whole minor units of the row's currency. `*_on` columns are dates in the company's zone, `*_at` instants in UTC.
"""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, String, Table, Text, false

from .columns import ID as _ID
from .columns import Instant as Instant
from .columns import company_column as _company
from .columns import metadata as metadata
from .money_tables import charge_announcements as charge_announcements
from .money_tables import credits_wanted as credits_wanted
from .money_tables import issued_links as issued_links
from .money_tables import late_charges as late_charges
from .money_tables import told_payments as told_payments

companies = Table(
    "companies",
    metadata,
    _company(),
    Column("rules_fingerprint", String(64), nullable=False, default=""),
    Column("pass_number", Integer, nullable=False, default=0),
    Column("synced_at", Instant),
    Column("last_bank_entry_on", Date),
    Column("first_sent_at", Instant),
    Column("run_id", String(32), nullable=False, default=""),
    Column("run_owner", String(200), nullable=False, default=""),
    Column("run_until", Instant),
    Column("audit_seq", BigInteger, nullable=False, default=0),
    Column("audit_hash", String(64), nullable=False, default=""),
    Column("restored_to", Instant),
)

cursors = Table("cursors", metadata, _company(), Column("stream", String(64), primary_key=True), Column("cursor", Text, nullable=False))

customers = Table(
    "customers",
    metadata,
    _company(),
    Column("customer_id", _ID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("parent_id", _ID, nullable=False, default=""),
    Column("data", Text, nullable=False),
    Column("last_contact_on", Date),
    Column("last_contact_how", Text, nullable=False, default=""),
    Column("known_on", Date),
)

items = Table(
    "items",
    metadata,
    _company(),
    Column("item_id", _ID, primary_key=True),
    Column("invoice_id", _ID, nullable=False),
    Column("number", Text, nullable=False),
    Column("customer_id", _ID, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("instalment_count", Integer, nullable=False),
    Column("issued_on", Date, nullable=False),
    Column("due_date", Date, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("outstanding_minor", BigInteger, nullable=False),
    Column("status", String(10), nullable=False),
    Column("contact_id", _ID, nullable=False),
    Column("reference", Text, nullable=False),
    Column("disputed", Text, nullable=False),
    Column("do_not_chase", Text, nullable=False),
    Column("page_url", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("is_late_charge", Boolean, nullable=False, default=False, server_default=false()),
    Column("ledger_late_fee", Text, nullable=False, default="", server_default=""),
    Column("discount_until", Date),
    Column("discount_minor", BigInteger),
    Column("look_for_discount", Boolean, nullable=False, default=False, server_default=false()),
    Column("settled_on", Date),
    Column("pass_number", Integer, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("level_key", String(50), nullable=False),
    Column("level_days", Integer, nullable=False),
    Column("level_on", Date),
    Column("level_sends", Integer, nullable=False),
    Column("open_attempt", String(40), nullable=False),
    Column("task_key", String(80), nullable=False),
    Column("next_action_on", Date),
    Column("next_charge_on", Date),
    Index("items_by_next_action", "company", "next_action_on", "customer_id"),
    Index("items_by_next_charge", "company", "next_charge_on"),
    Index("items_by_look_for_discount", "company", "look_for_discount"),
    Index("items_by_customer", "company", "customer_id", "status"),
    Index("items_by_invoice", "company", "invoice_id"),
)

unapplied_credits = Table(
    "unapplied_credits",
    metadata,
    _company(),
    Column("credit_id", _ID, primary_key=True),
    Column("kind", String(20), primary_key=True),
    Column("customer_id", _ID, nullable=False),
    Column("number", Text, nullable=False),
    Column("dated_on", Date, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("remaining_minor", BigInteger, nullable=False),
    Column("status", String(10), nullable=False),
    Column("pass_number", Integer, nullable=False),
    Index("credits_by_customer", "company", "customer_id"),
)

allocations = Table(
    "allocations",
    metadata,
    _company(),
    Column("allocation_id", _ID, primary_key=True),
    Column("invoice_id", _ID, nullable=False),
    Column("source_id", _ID, nullable=False),
    Column("source_kind", String(20), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("allocated_on", Date, nullable=False),
    Index("allocations_by_invoice", "company", "invoice_id"),
    Index("allocations_by_source", "company", "source_id"),
)

attempts = Table(
    "attempts",
    metadata,
    _company(),
    Column("attempt_id", String(40), primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("action_key", String(40), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("channel", String(20), nullable=False),
    Column("level", String(50), nullable=False),
    Column("notice", String(20), nullable=False),
    Column("customer_id", _ID, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("status", String(12), nullable=False),
    Column("detail", Text, nullable=False),
    Column("vendor_id", Text, nullable=False),
    Column("as_of", Date, nullable=False),
    Column("claimed_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Index("attempts_by_status", "company", "status"),
    Index("attempts_by_customer", "company", "customer_id"),
)

attempt_items = Table(
    "attempt_items",
    metadata,
    _company(),
    Column("attempt_id", String(40), primary_key=True),
    Column("item_id", _ID, primary_key=True),
    Column("claim_key", String(300)),
    Column("invoice_id", _ID, nullable=False),
    Column("number", Text, nullable=False),
    Column("level_key", String(50), nullable=False),
    Column("level_days", Integer, nullable=False),
    Column("cycle", Integer, nullable=False),
    Column("repeat", Integer, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("outstanding_minor", BigInteger, nullable=False),
    Index("attempt_items_claimed_once", "company", "claim_key", unique=True),
    Index("attempt_items_by_item", "company", "item_id"),
)

holds = Table(
    "holds",
    metadata,
    _company(),
    Column("hold_id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("customer_id", _ID, nullable=False),
    Column("invoice_id", _ID, nullable=False),
    Column("reason", Text, nullable=False),
    Column("until", Date),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("outcome", Text, nullable=False, default=""),
    Index("holds_by_customer", "company", "customer_id"),
)

approvals = Table(
    "approvals",
    metadata,
    _company(),
    Column("claim_key", String(300), primary_key=True),
    Column("action_key", String(40), nullable=False),
    Column("proposed_at", Instant, nullable=False),
    Column("approved_at", Instant),
    Column("approved_by", Text, nullable=False, default=""),
)

work_list = Table(
    "work_list",
    metadata,
    _company(),
    Column("task_id", String(40), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("customer_id", _ID, nullable=False),
    Column("invoice_ids", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("done_at", Instant),
    Column("outcome", Text, nullable=False, default=""),
    Index("work_list_by_end", "company", "done_at"),
)

write_backs = Table(
    "write_backs",
    metadata,
    _company(),
    Column("marker", String(60), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("invoice_id", _ID, nullable=False),
    Column("customer_id", _ID, nullable=False),
    Column("summary", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("dated_on", Date, nullable=False),
    Column("ledger_id", Text, nullable=False, default=""),
    Column("refused", Text, nullable=False, default=""),
    Column("is_written", Boolean, nullable=False, default=False),
    Index("write_backs_waiting", "company", "is_written"),
)

expected_payments = Table(
    # Of open invoices: the day on which payment is expected as the ledger last took it, or `refused` it; None: that there is none.
    # `ours` are the days that may stand there because of us, with what was asked for and not answered yet.
    "expected_payments",
    metadata,
    _company(),
    Column("invoice_id", _ID, primary_key=True),
    Column("expected_on", Date),
    Column("refused", Boolean, nullable=False, default=False),
    Column("ours", Text, nullable=False, default=""),
)

authorizations = Table(
    # `sealed` is encrypted; the instants stand outside so that a warning needs no key. `renewer` is the process that refreshes right now.
    "authorizations",
    metadata,
    _company(),
    Column("sealed", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", String(12), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("ledger", String(40), nullable=False),
    Column("tenant_id", _ID, nullable=False),
    Column("tenant_name", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("refresh_expires_at", Instant),
    Column("ends_at", Instant),
    Column("changed_at", Instant, nullable=False),
    Column("renewer", String(250), nullable=False, default=""),
    Column("renewer_until", Instant),
    Index("authorizations_by_tenant", "ledger", "tenant_id"),
)

call_counts = Table(
    # Of a quota that an app's companies share, the company is empty and `quota` holds the app. `most` is what was allowed at the last call.
    "call_counts",
    metadata,
    _company(),
    Column("quota", String(200), primary_key=True),
    Column("window", String(10), primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("most", BigInteger),
)

bad_addresses = Table(
    "bad_addresses",
    metadata,
    _company(),
    Column("email", String(320), primary_key=True),
    Column("detail", Text, nullable=False),
    Column("since_at", Instant, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _company(),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", String(32), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("data", Text, nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)
