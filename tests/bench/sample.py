"""Books of any size for the bench: five open items a customer, one customer in fifty with everything due today."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from puntual.connectors.files.settings import FilesSettings
from puntual.core.dunning.plan import Rulebook
from puntual.core.history.books import ensure_company, store_page
from puntual.core.history.database import open_database, writing
from puntual.core.money import Money
from puntual.core.policy.read import LedgerKind, read_policy
from puntual.core.policy.schema import Policy
from puntual.core.port import Capability, Cursor, Page
from puntual.core.receivables import Customer, Instalment, Invoice
from sqlalchemy import Engine

COMPANY = "bench"
TODAY = date(2026, 5, 13)
QUIET_DAY = TODAY - timedelta(days=10)
CHARGE_DAY = TODAY + timedelta(days=7)
"""On this day everything that was due on the day before TODAY has a first week of interest to be charged, and nothing else has."""
ITEMS_A_CUSTOMER = 5
CUSTOMERS_WITH_ONE_DUE = 50
PAGE = 1000

POLICY = """
company: {name: Bench, country: ES, locale: es_ES, time_zone: Europe/Madrid}
ledger: {type: files, folder: books}
mail:
  from: Bench <bench@example.com>
  signature: {name: Ana}
  smtp: {host: 127.0.0.1, port: PORT, security: none}
mode: live
go_live: {date: 2020-01-01, old_debt: ignore}
payment_details: {EUR: {iban: ES9121000418450200051332}}
guard: {max_share_of_customers: 1, max_days_without_payment: 3650}
procedures:
  standard:
    levels:
      - {key: upcoming, days: -7, notice: before_due}
      - {key: reminder, days: 1, notice: reminder}
      - {key: second, days: 8, notice: second}
"""
CHARGING = f"""{POLICY}
late_charges:
  announce: false
  rules:
    - {{key: interest, kind: statutory_interest, every: 7}}
"""


def policy(text: str = POLICY, port: int = 2525) -> Policy:
    """The bench's policy."""
    kinds = {"files": LedgerKind(FilesSettings, frozenset({Capability.LATE_CHARGES}))}
    return read_policy(text.replace("PORT", str(port)), "bench.yaml", ledgers=kinds, secrets=lambda _: None)


def pages(count: int, *, only_due: bool = False) -> Iterator[Page]:
    """So many open items, in pages; without those that are not due, on demand."""
    for start in range(0, count, PAGE):
        invoices = [invoice(number) for number in range(start, min(start + PAGE, count)) if not only_due or is_due(number)]
        ids = dict.fromkeys(made.customer_id for made in invoices)
        yield Page(Cursor(str(start)), tuple(customer(key) for key in ids), tuple(invoices), last_bank_entry_on=TODAY)


def customer(key: str) -> Customer:
    """A customer of the bench."""
    return Customer(key, f"Customer {key}", f"{key.lower()}@example.com", language="es", country="ES")


def is_due(number: int) -> bool:
    """Whether the customer of this invoice is one of those with everything due."""
    return number // ITEMS_A_CUSTOMER % CUSTOMERS_WITH_ONE_DUE == 0


def invoice(number: int) -> Invoice:
    """The invoice of that number; whether it is due depends on its customer."""
    owner = number // ITEMS_A_CUSTOMER
    due = TODAY - timedelta(days=1) if is_due(number) else TODAY + timedelta(days=30 + number % 300)
    total = Money.from_minor(10_000 + number, "EUR")
    return Invoice(f"I{number}", f"F-{number}", f"C{owner}", due - timedelta(days=30), (Instalment(1, due, total, total),))


def fill(path: Path, count: int, *, only_due: bool = False) -> Engine:
    """A history database with so many open items, as a sync would have stored them."""
    engine = open_database(f"sqlite:///{path}")
    rulebook = Rulebook.of(policy())
    with writing(engine) as conn:
        ensure_company(conn, COMPANY)
    for page in pages(count, only_due=only_due):
        with writing(engine) as conn:
            store_page(conn, COMPANY, page, rulebook, QUIET_DAY)
    return engine
