"""The tables of a host: what its worker did last for each company, whom it told of what, and what came in over the web."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from .columns import ID, Instant, company_column, metadata

company_states = Table(
    # `*_done_for` are the instants at which the last of each that came to an end had begun; `*_ok_at` when one ended well. `began_*` stand
    # while one is at work, and stay when its process dies. `wished_at` is the first wish for a reading that is not granted yet.
    "company_states",
    metadata,
    company_column(),
    Column("seen_at", Instant, nullable=False),
    Column("sync_done_for", Instant),
    Column("run_done_for", Instant),
    Column("complete_done_for", Instant),
    Column("synced_ok_at", Instant),
    Column("ran_ok_at", Instant),
    Column("wished_at", Instant),
    Column("began_kind", String(10), nullable=False, default=""),
    Column("began_at", Instant),
    Column("began_by", String(200), nullable=False, default=""),
    Column("began_times", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0),
    Column("not_before", Instant),
    Column("trouble", String(12), nullable=False, default=""),
    Column("trouble_job", String(10), nullable=False, default=""),
    Column("trouble_error", String(40), nullable=False, default=""),
    Column("trouble_text", Text, nullable=False, default=""),
    Column("trouble_hint", Text, nullable=False, default=""),
    Column("trouble_since", Instant),
    Column("last_seconds", Integer, nullable=False, default=0),
    Index("company_states_waiting", "not_before"),
    Index("company_states_wished", "wished_at"),
)

alerts = Table(
    # One row while something is the matter with a company (empty: with the host), and for a while after it ended. What begins anew before
    # its end was told is the same matter still.
    "alerts",
    metadata,
    company_column(),
    Column("alert_key", String(80), primary_key=True),
    Column("severity", String(10), nullable=False),
    Column("text", Text, nullable=False),
    Column("hint", Text, nullable=False, default=""),
    Column("since", Instant, nullable=False),
    Column("told_at", Instant),
    Column("ended_at", Instant),
    Column("end_told_at", Instant),
    Index("alerts_by_end", "ended_at"),
)

host_duties = Table(
    # What is done once for each slot by whichever worker comes first: a look at everybody, a mail to the operator, a company's digest.
    # `done_for` is the last slot that was done; `holder` is at it until `held_until`. A worker's own row says when it was last alive.
    "host_duties",
    metadata,
    company_column(),
    Column("duty", String(250), primary_key=True),
    Column("done_for", Instant, nullable=False),
    Column("holder", String(200), nullable=False, default=""),
    Column("held_until", Instant),
)

unsent_items = Table(
    # Items that planning again would act on right after a good run, and how many good runs have passed them over since.
    "unsent_items",
    metadata,
    company_column(),
    Column("item_id", ID, primary_key=True),
    Column("seen_at", Instant, nullable=False),
    Column("runs", Integer, nullable=False),
)

webhook_events = Table(
    # What a service told, by its own id of the event, so that a second delivery does nothing. Forgotten after a while.
    "webhook_events",
    metadata,
    company_column(),
    Column("service", String(40), primary_key=True),
    Column("event_id", String(300), primary_key=True),
    Column("seen_at", Instant, nullable=False),
    Index("webhook_events_by_age", "seen_at"),
)

connect_links = Table(
    # A link that lets whoever has it connect a company to its books, once. Only digests of what is secret; `sealed` is encrypted.
    "connect_links",
    metadata,
    company_column(),
    Column("link_digest", String(64), primary_key=True),
    Column("made_by", Text, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("state_digest", String(64), nullable=False, default=""),
    Column("browser_digest", String(64), nullable=False, default=""),
    Column("sealed", Text, nullable=False, default=""),
    Column("asked_at", Instant),
    Column("used_at", Instant),
    Index("connect_links_by_link", "link_digest", unique=True),
    Index("connect_links_by_state", "state_digest"),
)

erased_customers = Table(
    # Customers whose personal data were erased, by a digest of what their ledger calls them, so that no reading brings them back. In all
    # other tables the pseudonym stands for them. `is_back`: their ledger showed something open again, and their names are to be read anew.
    "erased_customers",
    metadata,
    company_column(),
    Column("customer_digest", String(64), primary_key=True),
    Column("pseudonym", ID, nullable=False),
    Column("erased_at", Instant, nullable=False),
    Column("is_back", Boolean, nullable=False, default=False),
)
