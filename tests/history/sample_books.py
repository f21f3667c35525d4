"""Books in a few words, and a policy to judge them by."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from puntual.connectors.files.settings import FilesSettings
from puntual.core.dunning.facts import Action
from puntual.core.dunning.plan import Rulebook, plan
from puntual.core.history.books import store_page
from puntual.core.history.read import due_customers
from puntual.core.history.tables import items
from puntual.core.money import Money
from puntual.core.policy.read import LedgerKind, read_policy
from puntual.core.policy.schema import Policy
from puntual.core.port import Capability, Cursor, Page
from puntual.core.receivables import Customer, DocumentStatus, Instalment, Invoice
from sqlalchemy import Connection, select

COMPANY = "acme"
TODAY = date(2026, 5, 13)
"""A Wednesday that is no holiday in Spain."""
AT = datetime(2026, 5, 13, 10, tzinfo=UTC)

POLICY = """
company: {name: "Acme, S.L.", country: ES, locale: es_ES, time_zone: Europe/Madrid}
ledger: {type: files, folder: books}
mail:
  from: Acme <cobros@acme.example>
  signature: {name: Ana Ruiz}
  folder: outbox
mode: live
go_live: {date: 2020-01-01, old_debt: ignore}
payment_details: {EUR: {iban: ES9121000418450200051332}}
tolerance: {EUR: 1}
procedures:
  standard:
    levels:
      - {key: upcoming, days: -7, notice: before_due}
      - {key: reminder, days: 1, notice: reminder}
      - {key: second, days: 8, notice: second}
      - {key: call, days: 15, channel: call}
      - {key: final, days: 22, notice: final}
"""


def policy(*changes: tuple[str, str]) -> Policy:
    """The policy, with texts in it replaced by others."""
    text = POLICY
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    kinds = {"files": LedgerKind(FilesSettings, frozenset(Capability))}
    return read_policy(text, "acme.yaml", ledgers=kinds, secrets=lambda _: "a secret")


def rulebook(*changes: tuple[str, str]) -> Rulebook:
    """The policy made ready."""
    return Rulebook.of(policy(*changes))


RULES = rulebook()


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def customer(key: str = "c1", **changes: Any) -> Customer:
    return replace(Customer(key, f"Talleres {key}", f"{key}@example.com", language="es", country="ES"), **changes)


def invoice(key: str = "i1", owner: str = "c1", *, late: int = 1, total: str = "100", paid: str = "0", **changes: Any) -> Invoice:
    """One invoice, so many days overdue on TODAY (negative: not due yet)."""
    due = TODAY - timedelta(days=late)
    whole, rest = eur(total), eur(total) - eur(paid)
    status = DocumentStatus.OPEN if rest.is_positive else DocumentStatus.PAID
    return replace(Invoice(key, f"F-{key}", owner, due - timedelta(days=30), (Instalment(1, due, whole, rest),), status), **changes)


def page(*documents: Invoice, people: Sequence[Customer] = (customer(),), cursor: str = "1", **more: Any) -> Page:
    return Page(Cursor(cursor), tuple(people), tuple(documents), **more)


def store(conn: Connection, *documents: Invoice, company: str = COMPANY, rules: Rulebook = RULES, on: date = TODAY, **more: Any) -> Any:
    """Store one page."""
    return store_page(conn, company, page(*documents, **more), rules, on)


def planned(conn: Connection, company: str = COMPANY, rules: Rulebook = RULES, on: date = TODAY) -> tuple[Action, ...]:
    """What would be done, by what the history says."""
    return plan(company, due_customers(conn, company, on), rules, on).actions


def item(conn: Connection, key: str, company: str = COMPANY) -> Any:
    """The row of an item."""
    return conn.execute(select(items).where(items.c.company == company, items.c.item_id == key)).one()
