"""The world of a simulation: companies with their policies, customers and books, all drawn from the seed."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from puntual.core.money import Money
from puntual.core.port import Capability
from puntual.core.receivables import Customer, DocumentStatus, Instalment, Invoice
from simulation.simulated_ledger import WatchedBooks

ZONES = ("Europe/Madrid", "Europe/Madrid", "America/New_York", "Asia/Tokyo", "America/Santiago")
ALWAYS = frozenset(Capability) - {Capability.INVOICE_PDF, Capability.PAYMENT_PAGE, Capability.EARLY_DISCOUNTS}
OPTIONAL = (
    Capability.NOTES,
    Capability.TASKS,
    Capability.EXPECTED_PAYMENTS,
    Capability.CREDITS,
    Capability.RECORDED_PAYMENTS,
)
POLICY = """\
company: {{name: {name}, country: ES, locale: es_ES, time_zone: {zone}}}
ledger: {{type: files, folder: books, currency: EUR}}
mail: {{from: cobros@{name}.example, signature: {{name: Marta Soler}}, folder: outbox}}
mode: {mode}
go_live: {{date: {go_live}, old_debt: {old_debt}}}
payment_details: {{EUR: {{iban: ES91 2100 0418 4502 0005 1332}}}}
payment_links: [{links}]
tolerance: {{EUR: 1}}
grouping: {grouping}
promises: {{grace_days: {grace}}}
sending: {{days: [{days}], skip_public_holidays: false, min_days_between_contacts: {gap}, earliest: "{earliest}", latest: "{latest}"}}
schedule: {{sync_every_minutes: {sync}, run_at: [{run_at}]}}
guard: {{max_days_without_payment: 4000, max_share_of_customers: 1}}
procedures: {{standard: {{levels: [{levels}]}}}}
{charges}
"""
NOTICES = {"upcoming": "before_due", "reminder": "reminder", "second": "second", "firm": "firm", "final": "final"}
STRIPE_SECRET = "whsec_simulation"
KEY_OF, WEBHOOK_OF = "STRIPE_KEY_{}", "STRIPE_WEBHOOK"
"""Where the policies say that the secrets are."""


@dataclass
class Rung:
    """A level of the ladder, as the oracle knows it."""

    key: str
    days: int
    is_call: bool = False


@dataclass
class Seller:
    """A company: what its policy says, its books, and what people and faults do to it."""

    name: str
    zone: ZoneInfo
    ladder: list[Rung]
    gap: int
    grace: int
    grouping: str
    mode: str
    earliest: time
    latest: time
    run_at: tuple[time, ...]
    sync_minutes: int
    weekdays_only: bool
    go_live: date
    books: WatchedBooks
    old_debt: str = "ignore"
    fee: Money | None = None
    fee_days: int = 0
    announces: bool = False
    asks: bool = False
    keeps: bool = False
    placement: str = "document"
    takes_payments: bool = False
    gives_pages: bool = False
    remark: str = ""
    is_broken: bool = False
    troubles: list[tuple[datetime, datetime, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.least_gap = self.gap

    def text(self) -> str:
        """The policy file as it is now."""
        if self.is_broken:
            return self.policy_text().replace("mode: ", "mode: loud ")
        return self.policy_text() + (f"# {self.remark}\n" if self.remark else "")

    def policy_text(self) -> str:
        levels = ", ".join(
            f"{{key: {rung.key}, days: {rung.days}, " + ("channel: call}" if rung.is_call else f"notice: {NOTICES[rung.key]}}}")
            for rung in self.ladder
        )
        days = "mon, tue, wed, thu, fri" + ("" if self.weekdays_only else ", sat, sun")
        return POLICY.format(
            name=self.name,
            zone=self.zone.key,
            mode=self.mode,
            go_live=self.go_live,
            old_debt=self.old_debt,
            grouping=self.grouping,
            grace=self.grace,
            days=days,
            gap=self.gap,
            earliest=f"{self.earliest:%H:%M}",
            latest=f"{self.latest:%H:%M}",
            sync=self.sync_minutes,
            run_at=", ".join(f'"{at:%H:%M}"' for at in self.run_at),
            levels=levels,
            links=self._pages(),
            charges=self._charges(),
        )

    def _pages(self) -> str:
        secrets = (("secret_key", KEY_OF.format(self.name)), ("webhook_secret", WEBHOOK_OF))
        return "{provider: stripe, " + ", ".join(f'{key}: "${{{name}}}"' for key, name in secrets) + "}" if self.gives_pages else ""

    def _charges(self) -> str:
        if self.fee is None:
            return ""
        rule = f"{{key: fee, kind: flat_fee, amount: {{EUR: {self.fee.amount}}}, from_days: {self.fee_days}}}"
        more = f"announce: {str(self.announces).lower()}, announce_days: 1, approval: {str(self.asks).lower()}"
        more += f", placement: {self.placement}, after_payment: {'keep' if self.keeps else 'waive'}, tax: {{late_fee: none}}"
        return f"late_charges: {{rules: [{rule}], {more}}}"

    def day(self, at: datetime) -> date:
        """The day on its calendar."""
        return at.astimezone(self.zone).date()


@dataclass
class World:
    """Everybody, and for how long: faults and people until `calm_from`, then calm days until `end`."""

    seed: int
    begin: datetime
    calm_from: datetime
    end: datetime
    sellers: dict[str, Seller]
    workers: int
    hands: int
    same_host: bool
    shares_queue: bool
    spells: dict[tuple[str, str], list[tuple[datetime, datetime]]] = field(default_factory=dict)
    breaks: dict[str, list[datetime]] = field(default_factory=dict)


def eur(amount: str | int) -> Money:
    return Money.of(str(amount), "EUR")


def drawn_world(seed: int) -> World:
    """The world of a seed."""
    random = Random(f"world {seed}")
    first = date(2026, 2, 2) + timedelta(days=random.randrange(280))
    begin = datetime.combine(first, time(random.randrange(24), random.randrange(60)), UTC)
    calm = begin + timedelta(days=random.choice((2, 3, 3, 4, 6)), hours=random.randrange(24))
    end = calm + timedelta(days=5)
    names = ("alba", "borja", "cifra", "dunas")[: random.choices((1, 2, 3, 4), (12, 8, 2, 1))[0]]
    sellers = {name: _seller(name, random, begin) for name in names}
    return World(
        seed,
        begin,
        calm,
        end,
        sellers,
        random.choice((1, 2, 2, 3)),
        random.choice((1, 1, 1, 2)),
        random.random() < 0.5,
        random.random() < 0.5,
    )


def _seller(name: str, random: Random, begin: datetime) -> Seller:
    zone = ZoneInfo(random.choice(ZONES))
    first = begin.astimezone(zone).date()
    abilities = ALWAYS - {ability for ability in OPTIONAL if random.random() < 0.2}
    books = WatchedBooks(name=name, capabilities=abilities, page_size=random.choice((2, 3, 50)))
    books.last_bank_entry_on = first
    run_at = tuple(sorted({time(random.randrange(8, 19), random.choice((0, 15, 30))) for _ in range(random.choice((1, 1, 1, 2)))}))
    made = Seller(
        name,
        zone,
        _ladder(random),
        gap=random.choice((1, 2, 2)),
        grace=random.choice((0, 1)),
        grouping=random.choice(("customer", "customer", "invoice")),
        mode=random.choice(("live", "live", "live", "approve")),
        earliest=time(8),
        latest=time(20),
        run_at=run_at,
        sync_minutes=random.choice((1440, 1440, 1440, 480)),
        weekdays_only=random.random() < 0.25,
        go_live=first - timedelta(days=60),
        books=books,
    )
    if random.random() < 0.5:
        made.fee, made.fee_days = eur(random.choice((5, 15, 40))), random.choice((2, 3, 5))
        made.announces, made.asks, made.keeps = random.random() < 0.4, random.random() < 0.4, random.random() < 0.4
        made.placement = random.choice(("document", "document", "line"))
    made.takes_payments = random.random() < 0.6
    made.gives_pages = made.takes_payments and Random(f"pages {name} {begin}").random() < 0.5
    _open_books(made, random, first)
    return made


def _ladder(random: Random) -> list[Rung]:
    early = [Rung("upcoming", -2)] if random.random() < 0.4 else []
    call = [Rung("call", 4, is_call=True)] if random.random() < 0.3 else []
    ladder = [*early, Rung("reminder", 1), Rung("second", random.choice((2, 3))), *call]
    return ladder + [Rung("final", random.choice((5, 6)))] * (random.random() < 0.7)


def _open_books(seller: Seller, random: Random, first: date) -> None:
    for number in range(random.choice((1, 2, 3))):
        key = f"{seller.name[0]}{number}"
        books = seller.books
        books.people[key] = Customer(key, f"Talleres {key.upper()}", f"{key}@cliente.example", language="es", country="ES")
        for _ in range(random.choice((1, 1, 2, 3))):
            owe(seller, key, random, first + timedelta(days=random.randrange(-4, 4)))


def owe(seller: Seller, customer: str, random: Random, due: date) -> Invoice:
    """A new invoice of a customer."""
    number = f"{seller.name[0]}{len(seller.books.invoices) + len(seller.books.removed) + 1:03}"
    total = eur(f"{random.randrange(20, 2500)}.{random.randrange(100):02}")
    part = Instalment(1, due, total, total)
    made = Invoice(f"i{number}", f"F-{number}", customer, due - timedelta(days=30), (part,))
    seller.books.put(made)
    return made


def outstanding_of(invoice: Invoice) -> Money:
    return invoice.instalments[0].outstanding


def with_due(invoice: Invoice, due: date) -> dict[str, Any]:
    return {"instalments": (replace(invoice.instalments[0], due_date=due),)}


def is_open(invoice: Invoice | None) -> bool:
    return invoice is not None and invoice.status is DocumentStatus.OPEN and outstanding_of(invoice).is_positive
