"""What people and customers do in a simulation, at any moment: in the books, at the command line, on a pay page."""

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from puntual.core.dunning.facts import HoldKind
from puntual.core.errors import CompanyMustAct, PuntualError
from puntual.core.history.charge_rows import ChargeStatus
from puntual.core.history.charges import charges_with
from puntual.core.history.database import reading, writing
from puntual.core.history.hosting import wish_for_sync
from puntual.core.history.tables import approvals, attempt_items, attempts
from puntual.core.history.work import waiting_work
from puntual.core.money import Money
from puntual.core.policy.payment_schema import LinkProvider, PaymentLink
from puntual.core.receivables import DocumentStatus
from puntual.core.secret import Secret
from puntual.core.worker import people
from puntual.core.worker.charging import NoSuchCharge, waive
from puntual.core.worker.desk import Desk
from puntual.core.worker.payments_told import payment_told
from puntual.core.worker.wiring import desk_of
from simulation.pay_pages import Paying, PayPage, PayPages
from simulation.simulated_world import STRIPE_SECRET, Seller, World, is_open, outstanding_of, owe, with_due
from simulation.stage import Process, Stage
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

CENT = Decimal("0.01")
_OFF = timedelta(minutes=10)
"""Clocks may be off by so much."""
_PEOPLE_GO_ON = timedelta(days=3)
"""What people do at the worst moment they do in calm days, too: late charges, and what is made of them, come late in a world."""


@dataclass
class Said:
    """What a person said of an invoice or a customer: a hold that stood from then to then."""

    kind: HoldKind
    customer: str
    invoice: str
    until: date | None
    since: datetime
    ended: datetime | None = None


class Townspeople:
    """The part of a play that is done by people. What it needs of the rest is named here."""

    seed: int
    world: World
    stage: Stage
    random: Random
    weather: Any
    folder: Path
    clerk: Process
    engine: Any
    clock: Any
    supervisor: Any
    taken: list[Any]
    said: dict[str, list[Said]]
    wishes: dict[str, list[datetime]]
    changes: dict[tuple[str, str], list[tuple[datetime, str]]]
    told_payments: dict[str, set[str]]
    told_of: dict[str, datetime]
    pages: dict[str, PayPages]
    waived: dict[str, list[Any]]
    charged: dict[str, list[Any]]
    approved: dict[str, dict[str, datetime]]
    surprises: dict[str, int]
    wrong: list[str]
    _write: Any
    _dress: Any

    # --- people and customers ---------------------------------------------------------------------------------------------------

    def _meddle(self) -> None:
        """Somebody does something, now."""
        name = self.random.choice(sorted(self.world.sellers))
        seller = self.world.sellers[name]
        kind = self.random.choices([act for act, _ in _ACTS], [weight for _, weight in _ACTS])[0]
        getattr(self, f"_{kind}")(seller)

    def _person(self, name: str, work: Any) -> None:
        """Somebody works with the database in a strand of their own; what cannot be done now is tried again."""

        def tries() -> None:
            for _ in range(40):
                try:
                    work()
                    return
                except (DBAPIError, PuntualError) as trouble:
                    if isinstance(trouble, CompanyMustAct):
                        self.stage.tell("person gives up", f"{name}: {trouble}")
                        return
                    self.stage.pause(timedelta(minutes=20))

        self.stage.spawn(self.clerk, name, tries)

    def _desk(self, seller: Seller) -> Desk | None:
        """The company's desk for a person at the command line; None while the policy is broken."""
        if seller.is_broken:
            return None
        desk = desk_of(self.folder, seller.name, self.clock, engine=self.engine)
        self._dress(desk)
        return desk

    def _open(self, seller: Seller) -> Any:
        found = [one for one in seller.books.invoices.values() if is_open(one) and not one.is_late_charge]
        return self.random.choice(sorted(found, key=lambda one: one.id)) if found else None

    def _changed(self, seller: Seller, key: str, what: str) -> None:
        self.changes[seller.name, key].append((self.stage.now, what))
        self.stage.tell(f"books: {what.split()[0]}", f"{seller.name} {key} {what}")
        seller.books.last_bank_entry_on = seller.day(self.stage.now)
        if self.random.random() < 0.5:
            self._person("webhook", lambda: self._wish(seller.name))

    def _wish(self, name: str) -> None:
        with writing(self.engine) as conn:
            at = self.stage.now
            wish_for_sync(conn, [name], self.clock.now())
        self.wishes[name].append(at)
        self.stage.tell("webhook", name)
        self.supervisor.recheck_waits()

    def _pay(self, seller: Seller) -> None:
        if one := self._open(seller):
            self._pay_now(seller, one.id)

    def _pay_part(self, seller: Seller) -> None:
        if one := self._open(seller):
            part = outstanding_of(one).amount / 3
            if part > 2:
                seller.books.pay(one.id, str(part.quantize(CENT)), seller.day(self.stage.now))
                self._changed(seller, one.id, "part-paid")

    def _void(self, seller: Seller) -> None:
        if one := self._open(seller):
            seller.books.change(one.id, status=DocumentStatus.VOID)
            self._changed(seller, one.id, "voided")

    def _dispute(self, seller: Seller) -> None:
        if one := self._open(seller):
            words = "" if one.disputed else "The goods were broken"
            seller.books.change(one.id, disputed=words)
            self._changed(seller, one.id, "disputed" if words else "undisputed")

    def _postpone(self, seller: Seller) -> None:
        if one := self._open(seller):
            later = one.due_date + timedelta(days=self.random.choice((1, 2, 4)))
            seller.books.change(one.id, **with_due(one, later))
            self._changed(seller, one.id, f"due on {later}")

    def _invoice(self, seller: Seller) -> None:
        customer = self.random.choice(sorted(seller.books.people))
        made = owe(seller, customer, self.random, seller.day(self.stage.now) + timedelta(days=self.random.randrange(-2, 4)))
        self._changed(seller, made.id, "new")

    def _credit(self, seller: Seller) -> None:
        customer = self.random.choice(sorted(seller.books.people))
        key = f"cn{len(seller.books.credits)}"
        seller.books.credit(key, customer, str(self.random.randrange(5, 900)))
        self._changed(seller, customer, f"credit-note {key}")

    def _hold(self, seller: Seller) -> None:
        self._hold_back(seller, self._open(seller))

    def _hold_back(self, seller: Seller, one: Any) -> None:
        kind = self.random.choice((HoldKind.PROMISE, HoldKind.PROMISE, HoldKind.DISPUTE, HoldKind.MANUAL))
        days = self.random.choice((1, 2, 4))

        def work() -> None:
            desk = self._desk(seller)
            if desk is None or one is None:
                return
            until = desk.today() + timedelta(days=days) if kind is HoldKind.PROMISE or days < 4 else None
            target, _ = people.hold(desk, kind, one.number, "", "said so", until, "ana", desk.today())
            self.said[seller.name].append(Said(kind, target.customer_id, target.invoice_id, until, self.stage.now))
            self.stage.tell("person: hold", f"{seller.name} {kind.value} on {one.number} until {until}")

        self._person("hold", work)

    def _release(self, seller: Seller) -> None:
        standing = [said for said in self.said[seller.name] if said.ended is None]
        if not standing:
            return
        said = self.random.choice(standing)

        def work() -> None:
            desk = self._desk(seller)
            if desk is None:
                return
            ended = [one for one in self.said[seller.name] if one.ended is None and one.invoice == said.invoice]
            for one in ended:
                one.ended = self.stage.now
            people.release(desk, said.invoice, "", "", "settled", "ana", desk.today())
            self.stage.tell("person: release", f"{seller.name} {said.invoice}")

        self._person("release", work)

    def _webhook(self, seller: Seller) -> None:
        self._person("webhook", lambda: self._wish(seller.name))

    def _touch_policy(self, seller: Seller) -> None:
        seller.remark = f"touched {self.stage.now}"
        if self.random.random() < 0.3:
            seller.gap = max(1, min(2, seller.gap + self.random.choice((-1, 1))))
            seller.least_gap = min(seller.least_gap, seller.gap)
        self._write(seller)
        self.stage.tell("policy touched", seller.name)
        self.supervisor.poke()

    def _approve(self, seller: Seller) -> None:
        def work() -> None:
            desk = self._desk(seller)
            if desk is None:
                return
            asked = self._asked(seller)
            count = people.approve(desk, None, "ana")
            for key in asked:
                self.approved[seller.name].setdefault(key, self.stage.now)
            if count:
                self.stage.tell("person: approves", f"{seller.name} {count}")

        self._person("approve", work)

    def _asked(self, seller: Seller) -> list[str]:
        """What somebody is asked to approve, by its key."""
        with reading(self.engine) as conn:
            return sorted(conn.execute(select(approvals.c.claim_key).where(approvals.c.company == seller.name)).scalars())

    def _waive(self, seller: Seller, marker: str = "") -> None:
        draw = self.random.random()

        def work() -> None:
            desk = self._desk(seller)
            if desk is None or seller.fee is None:
                return
            with reading(self.engine) as conn:
                found = charges_with(conn, seller.name, ChargeStatus.MADE, ChargeStatus.WAITING, ChargeStatus.APPROVED)
            found = sorted((one for one in found if not one.is_reversed and (not marker or one.marker == marker)), key=lambda one: one.id)
            if found:
                chosen = found[int(draw * len(found))]
                try:
                    charge, _ = waive(desk, chosen.id, "goodwill", "ana", desk.today())
                except NoSuchCharge:
                    return
                self.waived[seller.name].append((charge, self.stage.now))
                self.stage.tell("person: waives", f"{seller.name} {charge.key}")

        self._person("waive", work)

    def _resolve(self, seller: Seller) -> None:
        """A person says of every mail of unknown end what the server's log says."""

        def work() -> None:
            desk = self._desk(seller)
            if desk is None:
                return
            for attempt_id, message_id in self._unknown(seller):
                was_sent = any(mail.message_id == message_id for mail in self.taken)
                people.resolve(desk, attempt_id, was_sent, "ana", desk.today())
                self.stage.tell("person: resolves", f"{seller.name} {attempt_id[:8]} {'sent' if was_sent else 'not sent'}")

        self._person("resolve", work)

    def _unknown(self, seller: Seller) -> list[tuple[str, str]]:
        """The attempts of unknown end with the Message-ID of their mails. Each must have a reason, and be on the work list."""
        c, i = attempts.c, attempt_items.c
        with reading(self.engine) as conn:
            rows = conn.execute(
                select(c.attempt_id, c.claimed_at, c.settled_at).where(c.company == seller.name, c.status == "unknown")
            ).all()
            told = select(i.attempt_id, i.item_id, i.level_key, i.cycle, i.repeat).where(i.company == seller.name, i.claim_key.is_not(None))
            items = conn.execute(told).all()
            listed = {work.id for work in waiting_work(conn, seller.name)}
        for attempt_id, claimed, settled in rows:
            if attempt_id[:12] not in listed:
                self.wrong.append(f"{seller.name}: the end of {attempt_id[:8]} is unknown, and nobody is asked")
            if not any(claimed - _OFF <= at <= (settled or self.stage.now) + _OFF for at in self.world.breaks.get(seller.name, ())):
                self.wrong.append(f"{seller.name}: the end of {attempt_id[:8]} is unknown, and no answer was lost")
        keys = {row.attempt_id: sorted(f"{e[1]}|notice|{e[2]}|{e[3]}|{e[4]}" for e in items if e[0] == row.attempt_id) for row in rows}
        named = {key: hashlib.sha256("\n".join(names).encode()).hexdigest()[:20] for key, names in keys.items()}
        return [(key, message_id_of(seller.name, name)) for key, name in sorted(named.items())]

    def _stripe(self, seller: Seller) -> None:
        """A customer pays on a page, and the provider tells it: once, twice, late."""
        if seller.gives_pages:
            given = [page for page in self.pages[seller.name].pages.values() if page.given_at and page.is_active]
            if given:
                self._pay_on(seller, self.random.choice(given))
            return
        one = self._open(seller)
        if one is None or not seller.takes_payments or any(one.id in key for key in self.told_payments[seller.name]):
            return
        number = f"pi_{seller.name}_{one.id}"
        self.told_payments[seller.name].add(number)
        self._deliver(seller, one.id, outstanding_of(one), number, "plink_1", self.random.choice((1, 2, 3)))

    def _deliver(self, seller: Seller, invoice_id: str, amount: Money, number: str, link: str, times: int) -> None:
        body = _stripe_body(seller, invoice_id, amount, number, link, self.stage.now)
        for time in range(times):
            late = timedelta(minutes=self.random.choice((0, 1, 300))) if time else timedelta(0)
            self.stage.at(self.stage.now + late, lambda: self._person("stripe", lambda: self._tell_payment(seller, body, number)))

    def _pay_on(self, seller: Seller, page: PayPage) -> None:
        """A customer pays on a page that a mail had: with a card, or with a debit that comes, or fails, days later."""
        pages = self.pages[seller.name]
        paying = pages.begin_payment(page, self.stage.now)
        self.told_payments[seller.name].add(paying.id)
        other = pages.other_payment(page, self.stage.now)
        if other is not None and not any(one.reference == other.id for one, _ in seller.books.received.values()):
            self.wrong.append(f"{seller.name}: {page.invoice_id} could be paid on {page.id} although {other.id} was there")
        if self.random.random() < 0.7:
            self._come(seller, page, paying)
            return
        self.stage.tell("customer: debit", f"{seller.name} {page.id} {page.invoice_id}")
        ends = self._come if self.random.random() < 0.6 else self._fail
        self.stage.at(self.stage.now + timedelta(hours=self.random.randrange(6, 90)), lambda: ends(seller, page, paying))

    def _pay_later(self, seller: Seller, page: PayPage) -> None:
        """A customer who was reminded pays on the page, within days."""
        at = self.stage.now + timedelta(minutes=self.random.randrange(1, 60 * 60))
        self.stage.at(at, lambda: self._pay_on(seller, page) if page.is_active else None)

    def _come(self, seller: Seller, page: PayPage, paying: Paying) -> None:
        """The money is there. Stripe tells it as often as it likes, or never."""
        paying.came_at = self.stage.now
        self.stage.tell("customer: pays on a page", f"{seller.name} {page.id} {page.invoice_id} {page.amount}")
        self._deliver(seller, page.invoice_id, page.amount, paying.id, page.id, self.random.choice((0, 1, 1, 2, 3)))

    def _fail(self, seller: Seller, page: PayPage, paying: Paying) -> None:
        paying.failed_at = self.stage.now
        self.told_payments[seller.name].discard(paying.id)
        self.changes[seller.name, page.invoice_id].append((self.stage.now, "debit-failed"))
        self.stage.tell("customer: debit fails", f"{seller.name} {page.id} {page.invoice_id}")

    def _tell_payment(self, seller: Seller, body: bytes, number: str) -> None:
        desk = self._desk(seller)
        if desk is None:
            raise DBAPIError("", {}, Exception("not now"))
        if not seller.gives_pages:
            link = PaymentLink(provider=LinkProvider.STRIPE, secret_key=Secret("sk_test_x"), webhook_secret=Secret(STRIPE_SECRET))
            desk.policy = desk.policy.model_copy(update={"payment_links": (link,)})
        at = int(desk.now().timestamp())
        signature = hmac.new(STRIPE_SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        assert payment_told(desk, body, f"t={at},v1={signature}")
        self.told_of.setdefault(number, self.stage.now)
        self.stage.tell("stripe tells", f"{seller.name} {number}")

    # --- at the worst moment ------------------------------------------------------------------------------------------------------

    def while_reading(self, seller: Seller) -> None:
        """The books are being read, and what happens now is not in the answer; its webhook arrives before the reading has ended."""
        if self.stage.now > self.world.calm_from + timedelta(hours=8):
            self.surprises[seller.name] = self.surprises.get(seller.name, 0) - 1
            if self.surprises[seller.name] == 0:
                self._webhook(seller)
        elif self.is_worst_moment(0.1):
            act = self.random.choice((self._pay, self._pay_part, self._dispute, self._void))
            self.stage.at(self.stage.now, lambda: act(seller))
            self._webhook(seller)

    def at_last_look(self, seller: Seller, asked: Sequence[str]) -> None:
        """The ledger has said how these stand, and now somebody says to hold one of them."""
        found = [seller.books.invoices.get(key) for key in asked]
        found = [one for one in found if is_open(one) and not one.is_late_charge]
        if found and self.is_worst_moment():
            self._hold_back(seller, self.random.choice(found))

    def before_charges(self, seller: Seller, asked: Sequence[str]) -> None:
        """Charges are about to be written on these, and one is paid."""
        found = [key for key in asked if is_open(seller.books.invoices.get(key))]
        if found and self.is_worst_moment():
            key = self.random.choice(found)
            self.stage.at(self.stage.now, lambda: self._pay_now(seller, key))

    def at_page(self, seller: Seller, page: PayPage) -> None:
        """Stripe has said that nobody paid on a page, and now somebody does."""
        if page.given_at and page.is_active and self.is_worst_moment():
            self.stage.at(self.stage.now, lambda: self._pay_on(seller, page) if page.is_active else None)

    def _pay_now(self, seller: Seller, key: str) -> None:
        if is_open(seller.books.invoices.get(key)):
            seller.books.pay(key, on=seller.day(self.stage.now))
            self._changed(seller, key, "paid")

    def after_charge(self, seller: Seller, marker: str) -> None:
        """A charge is in the books, and before the day is over the customer has talked somebody out of it."""
        if self.is_worst_moment(3):
            self.stage.at(self.stage.now + timedelta(minutes=self.random.randrange(1, 600)), lambda: self._waive(seller, marker))

    def is_worst_moment(self, weight: float = 1.0) -> bool:
        """Whether somebody acts at this very moment, or an answer is lost that matters."""
        if self.stage.process().is_person or self.weather.random.random() > weight:
            return False
        if not any(self.weather.strikes("worst_moment", self.stage.now - _PEOPLE_GO_ON) for _ in range(max(int(weight), 1))):
            return False
        self.stage.tell("fault: worst_moment")
        return True


_ACTS = (
    ("pay", 3), ("pay_part", 2), ("void", 1), ("dispute", 2), ("postpone", 1), ("invoice", 2), ("credit", 1), ("hold", 3), ("release", 1),
    ("webhook", 2), ("touch_policy", 1), ("approve", 2), ("waive", 2), ("resolve", 1), ("stripe", 4),
)  # fmt: skip


def message_id_of(company: str, action_key: str) -> str:
    """The Message-ID of an action's mail (see worker/envelope.py: it never changes)."""
    digest = hashlib.sha256(f"{company}\n{action_key}".encode()).hexdigest()[:32]
    return f"<puntual.{digest}@{company}.example>"


def _stripe_body(seller: Seller, invoice_id: str, amount: Money, number: str, link: str, at: datetime) -> bytes:
    ours = {"puntual_company": seller.name, "puntual_invoice": invoice_id, "puntual_item": f"{invoice_id}/1", "puntual_amount": str(amount)}
    session = {"id": f"cs_{number}", "payment_status": "paid", "payment_intent": number, "payment_link": link, "currency": "eur"}
    session |= {"amount_total": amount.minor, "metadata": ours}
    event = {"id": f"evt_{number}", "type": "checkout.session.completed", "created": int(at.timestamp()), "livemode": True}
    return json.dumps(event | {"data": {"object": session}}).encode()
