"""The tables about money that we bring about: late charges, credits, links, and payments that somebody else tells of."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, Integer, String, Table, Text

from .columns import ID, Instant, company_column, metadata

late_charges = Table(
    # One row for each charge that was ever decided on, by its key. `amount` is without tax, `reversed` so much of it as is taken back;
    # `total` is what its document comes to in the books. Charges of one statement share marker and document. `is_taxed` is null where
    # nobody asked yet when it was decided.
    "late_charges",
    metadata,
    company_column(),
    Column("charge_key", String(300), primary_key=True),
    Column("charge_id", String(16), nullable=False),
    Column("item_id", ID, nullable=False),
    Column("invoice_id", ID, nullable=False),
    Column("number", Text, nullable=False),
    Column("customer_id", ID, nullable=False),
    Column("rule", String(50), nullable=False),
    Column("period", String(20), nullable=False),
    Column("first_on", Date, nullable=False),
    Column("last_on", Date, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("terms", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("reversed_minor", BigInteger, nullable=False, default=0),
    Column("calculation", Text, nullable=False),
    Column("placement", String(10), nullable=False),
    Column("statement", String(7), nullable=False),
    Column("is_taxed", Boolean),
    Column("status", String(10), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("decided_on", Date, nullable=False),
    Column("said_by", Text, nullable=False, default=""),
    Column("refusals", Integer, nullable=False, default=0),
    Column("marker", String(60), nullable=False, default=""),
    Column("charged_on", Date),
    Column("document_id", ID, nullable=False, default=""),
    Column("document_number", Text, nullable=False, default=""),
    Column("on_invoice", Boolean, nullable=False, default=False),
    Column("total_minor", BigInteger),
    Column("changed_at", Instant, nullable=False),
    Index("late_charges_by_item", "company", "item_id"),
    Index("late_charges_by_status", "company", "status"),
    Index("late_charges_by_document", "company", "document_id"),
)

charge_announcements = Table(
    # The day of the first notice that announced a rule on an item.
    "charge_announcements",
    metadata,
    company_column(),
    Column("item_id", ID, primary_key=True),
    Column("rule", String(50), primary_key=True),
    Column("announced_on", Date, nullable=False),
)

issued_links = Table(
    # Links to pay pages that have to be ended some day. `why` says why one was ended, empty while it is good.
    "issued_links",
    metadata,
    company_column(),
    Column("provider", String(40), primary_key=True),
    Column("reference", ID, primary_key=True),
    Column("item_id", ID, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("language", String(40), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("why", String(12), nullable=False, default=""),
    Column("ended_at", Instant),
    Index("issued_links_by_item", "company", "item_id"),
    Index("issued_links_still_good", "company", "why", "expires_at"),
)

credits_wanted = Table(
    # What is to be taken off a document of the books, once for each marker. `item` and `invoice` are what it is about, `document` is what
    # is credited: that invoice or a document of ours. `hold` is the hold that lasts until it is done.
    "credits_wanted",
    metadata,
    company_column(),
    Column("marker", String(60), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("item_id", ID, nullable=False),
    Column("invoice_id", ID, nullable=False),
    Column("number", Text, nullable=False),
    Column("document_id", ID, nullable=False),
    Column("document_number", Text, nullable=False),
    Column("customer_id", ID, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("text", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("dated_on", Date, nullable=False),
    Column("charge_marker", String(60), nullable=False, default=""),
    Column("status", String(10), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("said_by", Text, nullable=False, default=""),
    Column("refusals", Integer, nullable=False, default=0),
    Column("hold_id", String(40), nullable=False, default=""),
    Column("credit_id", ID, nullable=False, default=""),
    Column("credit_number", Text, nullable=False, default=""),
    Column("is_void", Boolean, nullable=False, default=False),
    Column("changed_at", Instant, nullable=False),
    Index("credits_wanted_by_status", "company", "status"),
    Index("credits_wanted_by_item", "company", "item_id"),
    Index("credits_wanted_by_hold", "company", "hold_id"),
)

told_payments = Table(
    # Payments that came in on a provider's pay page, by the provider's own id, and whether the books have them.
    "told_payments",
    metadata,
    company_column(),
    Column("provider", String(40), primary_key=True),
    Column("payment_id", ID, primary_key=True),
    Column("marker", String(60), nullable=False),
    Column("invoice_id", ID, nullable=False),
    Column("item_id", ID, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("paid_on", Date, nullable=False),
    Column("link", Text, nullable=False),
    Column("status", String(10), nullable=False),
    Column("detail", Text, nullable=False, default=""),
    Column("refusals", Integer, nullable=False, default=0),
    Column("hold_id", String(40), nullable=False, default=""),
    Column("recorded_id", ID, nullable=False, default=""),
    Column("recorded_number", Text, nullable=False, default=""),
    Column("changed_at", Instant, nullable=False),
    Index("told_payments_by_status", "company", "status"),
    Index("told_payments_by_link", "company", "link"),
)
