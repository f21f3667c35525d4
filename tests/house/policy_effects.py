"""What a policy brings about, as text: a plan of many days, the guard's words, a mail, its envelope, a whole run."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch

from dunning_cases import GOMEZ, TUESDAY, credit, invoice, only_action, owing, plan_for
from dunning_cases import policy as _policy
from puntual.connectors.files.settings import FilesSettings
from puntual.core.channels.email import compose
from puntual.core.channels.smtp import SmtpTransport
from puntual.core.dunning.charge_announcements import upcoming
from puntual.core.dunning.charge_facts import ChargeDue, ChargeFacts, ChargeRecord, balances_of
from puntual.core.dunning.charge_reversals import reversals
from puntual.core.dunning.charge_rules import ChargeBook
from puntual.core.dunning.charges import charges_due
from puntual.core.dunning.discounts import DiscountFacts, judge_discount, offer_of
from puntual.core.dunning.facts import Action, CustomerFacts, Hold, HoldKind
from puntual.core.dunning.forecast import days_ahead
from puntual.core.dunning.guard import Circumstances, alarms
from puntual.core.dunning.plan import Rulebook
from puntual.core.dunning.printout import as_lines
from puntual.core.money import Money
from puntual.core.notices.render import Rendered
from puntual.core.policy.countries import country_pack
from puntual.core.policy.schema import LedgerChoice, Policy
from puntual.core.port import Capability
from puntual.core.receivables import Allocation, Contact, ContactRole, CreditKind, Customer, EarlyDiscount, open_items
from puntual.core.worker.clock import FixedClock, today
from puntual.core.worker.envelope import attachments_of, envelope_of, render_notice, standing_alone
from puntual.core.worker.links import known_ways
from puntual.core.worker.run import OutsideSendingHours, run
from puntual.core.worker.wiring import desk_of, renderer_of

START = date(2026, 3, 23)
LUNA = Customer("luna", "Bar Luna", contacts=(Contact("eva", "Eva", "eva@luna.example", role=ContactRole.ESCALATION),), country="PT")
NORTE = Customer("norte", "Ayuntamiento del Norte", "pagos@norte.example", groups=("Público",), country="ES")
NIGHT = datetime(2026, 4, 14, 22, 30, tzinfo=UTC)
WORDS = Rendered("Factura", "Texto", "<p>Texto</p>")
LEDGER = {"type": "demo", "url": "https://books.example.com", "api_key": "${DEMO_API_KEY}"}


@cache
def _facts() -> tuple[CustomerFacts, ...]:
    first = date(2026, 4, 1)
    of_luna = [replace(invoice("L-1", "45.00", due=first, currency="JPY"), customer_id="luna"), invoice("L-2", "9.00", due=first)]
    of_norte = [replace(invoice(f"N-{n}", f"{n}00.00", due=first + timedelta(days=n)), customer_id="norte") for n in (1, 2, 3)]
    promise = Hold("h1", HoldKind.PROMISE, "norte", "said so", "N-2", first + timedelta(days=10))
    return (
        owing(invoice("G-1", "1210.00", due=first), invoice("G-2", "50.00", due=date(2026, 3, 2)), credits=(credit("20.00"),)),
        owing(*(replace(known, customer_id="luna") for known in of_luna), customer=LUNA),
        owing(*of_norte, customer=NORTE, holds=(promise,)),
    )


def planned(policy: Policy) -> str:
    """Sixty days of plans."""
    plans = days_ahead("acme", _facts(), Rulebook.of(policy), START, 60)
    return "\n".join(line for made in plans for line in as_lines(made))


def guarded(policy: Policy) -> str:
    """What the guard says of a plan that writes to five of twelve customers of books that are twelve days old."""
    people = [replace(GOMEZ, id=f"c{n}", email=f"c{n}@example.com") for n in range(5)]
    made = plan_for(*(owing(replace(invoice(f"F-{n}"), customer_id=who.id), customer=who) for n, who in enumerate(people)), by=policy)
    around = Circumstances(12, is_first_run=False, last_bank_entry_on=made.as_of - timedelta(days=8))
    return "\n".join(alarm.what for alarm in alarms(made, policy, around))


def _action(policy: Policy, country: str = "ES") -> Action:
    paged = replace(invoice(), page_url="https://pay.example/f1")
    return only_action(owing(paged, customer=replace(GOMEZ, language="", country=country)), by=policy)


def rendered_in_switzerland(policy: Policy) -> str:
    """The first reminder, to a customer in Switzerland."""
    return rendered(policy, "CH")


def rendered(policy: Policy, country: str = "ES") -> str:
    """The first reminder, to a customer whose language is not known, with a template of the company's own."""
    with TemporaryDirectory() as folder:
        own = Path(folder) / "plantillas" / "es" / "reminder.subject"
        own.parent.mkdir(parents=True)
        own.write_text("Nuestro propio asunto\n", encoding="utf-8")
        desk = cast("Any", SimpleNamespace(policy=policy, renderer=renderer_of(policy, Path(folder)), company="acme"))
        ways = known_ways(desk, _action(policy, country), TUESDAY)
        made = render_notice(desk, _action(policy, country), TUESDAY, ways)
    return f"{made.subject}\n{made.text}\n{standing_alone(made.html, ways.images)}"


def enveloped(policy: Policy) -> str:
    """The headers of that reminder's mail."""
    desk = SimpleNamespace(policy=policy, company="acme", now=lambda: NIGHT)
    return str(compose(WORDS, **envelope_of(cast("Any", desk), _action(policy))).items())


def dialled(policy: Policy) -> str:
    """How the mail server is called, up to the moment in which the line is dead."""
    calls: list[str] = []

    def call(*where: object, **how: object) -> None:
        calls.append(f"{where} {how['timeout']} {'context' in how}")
        raise OSError

    desk = SimpleNamespace(policy=policy, company="acme", now=lambda: NIGHT)
    assert policy.mail.smtp
    with patch("smtplib.SMTP", call), patch("smtplib.SMTP_SSL", call):
        SmtpTransport(policy.mail.smtp).deliver(compose(WORDS, **envelope_of(cast("Any", desk), _action(policy))))
    return str(calls)


def attached(policy: Policy) -> str:
    """What goes along where the ledger prints invoices."""
    ledger = SimpleNamespace(capabilities={Capability.INVOICE_PDF}, invoice_pdf=lambda _: b"%PDF-1.7")
    return str(attachments_of(policy, cast("Any", ledger), _action(policy)))


def today_there(policy: Policy) -> str:
    """Which day it is at half past ten in the evening, UTC."""
    return str(today(FixedClock(NIGHT), policy.company.time_zone))


def whole_run(policy: Policy) -> str:
    """A run at noon over a folder of books: which mails were written where, or why none."""
    with TemporaryDirectory() as folder:
        base = Path(folder)
        (base / "books").mkdir()
        (base / "books/invoices.csv").write_text(_BOOKS, encoding="utf-8")
        books = LedgerChoice("files", FilesSettings(folder="books", currency="EUR"))
        desk = desk_of(base, "acme", FixedClock(datetime(2026, 4, 14, 10, 0, tzinfo=UTC)), policy.model_copy(update={"ledger": books}))
        try:
            run(desk, TUESDAY, confirmed=True)
        except OutsideSendingHours as error:
            return str(error)
        finally:
            desk.engine.dispose()
        return str(sorted(path.parent.name for path in base.rglob("*.eml")))


_BOOKS = """\
number,customer,email,issued_on,due_date,total,outstanding
F-1,Talleres Gómez,pagos@gomez.example,2026-03-13,2026-04-13,100.00,100.00
"""


def charged(policy: Policy) -> str:
    """What is charged on invoices of a company, a public body and a consumer up to a year after they were due, and what is announced."""
    by, told = ChargeBook.of(policy, country_pack), []
    late = date(2026, 6, 1)
    for customer, total, currency in (
        (GOMEZ, "90.00", "EUR"),
        (NORTE, "5000.00", "EUR"),
        (replace(GOMEZ, is_business=False), "800.00", "EUR"),
    ):
        item = open_items(replace(invoice("F-1", total, due=date(2025, 5, 31), currency=currency), customer_id=customer.id))[0]
        settled = Allocation("a", "F-1", "p", CreditKind.PAYMENT, item.total, date(2025, 10, 3))
        for payments in ((), (settled,)):
            left = balances_of(item.total, payments, late)
            known = replace(item, outstanding=left[-1].amount)
            facts = ChargeFacts(known, left, customer, announced_on=dict.fromkeys(("a", "b"), date(2025, 6, 6)))
            told += [
                line
                for one in charges_due(facts, by, date(2025, 12, 2))
                for line in (repr(one), *(one.lines() if isinstance(one, ChargeDue) else ()))
            ]
            told += [one.line() for one in upcoming(facts, by, date(2025, 6, 2))]
            if not payments:
                done = [one for one in charges_due(facts, by, date(2025, 9, 2)) if isinstance(one, ChargeDue)]
                known_then = tuple(
                    ChargeRecord(one.rule, one.key.period, one.calculation.first, one.calculation.last, one.amount, terms=one.terms)
                    for one in done
                )
            told += map(repr, reversals(replace(facts, charges=known_then), by))
    return "\n".join(told)


def discounted(policy: Policy) -> str:
    """What is offered to a company and a public body, with and without terms of the ledger, and what is credited for payments."""
    told = []
    for customer, total, terms in ((GOMEZ, "90.00", None), (NORTE, "5000.00", None), (GOMEZ, "90.00", EarlyDiscount(START, eur("2.70")))):
        known = replace(invoice("F-1", total, due=START + timedelta(days=20)), customer_id=customer.id, early_discount=terms)
        item = open_items(known)[0]
        told += [f"{day} {offer_of(item, customer, policy, day)}" for day in (known.issued_on + timedelta(days=n) for n in range(40))]
        for left in ("1.00", "1.80", "2.70", "100.00"):
            for on in (known.issued_on + timedelta(days=n) for n in range(6, 16)):
                used = Allocation("a", "F-1", "p", CreditKind.PAYMENT, item.total - eur(left), on)
                facts = DiscountFacts(replace(item, outstanding=eur(left)), customer, (used,))
                told.append(repr(judge_discount(facts, policy, date(2026, 6, 1))))
    return "\n".join(told)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def policy(**changes: Any) -> Policy:
    """The policy of the stories, live, with these keys."""
    go_live = {"date": "2026-03-25", "old_debt": "ignore"}
    return _policy(**{"mode": "live", "go_live": go_live, "ledger": LEDGER, **changes})
