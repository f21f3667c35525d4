"""Invented histories: events in the books in any order, with runs in between. Every mail is judged from outside on the moment it leaves:
nothing that is paid, disputed, held or promised, never the same level twice, never a wrong amount, never too soon after the last."""

import re
import tempfile
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

from history.sample_books import TODAY, eur
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from puntual.core.channels.port import Delivery, DeliveryStatus
from puntual.core.dunning.facts import HoldKind
from puntual.core.history.database import reading
from puntual.core.history.work import waiting_work
from puntual.core.receivables import DocumentStatus
from puntual.core.worker import people
from puntual.core.worker.run import run
from puntual.core.worker.wiring import template_lookup
from worker.memory_ledger import MemoryBooks
from worker.office import Office

KEYS = st.sampled_from(["i1", "i2", "i3", "i4"])
OWNERS = {"i1": "c1", "i2": "c1", "i3": "c2", "i4": "c3"}
NOTICES = ["before_due", "reminder", "second", "final"]
MOODS = [*DeliveryStatus, "died"]
SHIPPED = template_lookup(None)


def with_plain_subjects(name):
    """The notice's own name as its subject, so that an observer knows the level."""
    return Path(name).stem if name.endswith(".subject") else SHIPPED(name)


class Observer:
    """Receives every mail and judges it by what the books and the people say at that moment."""

    def __init__(self, machine):
        self.machine = machine
        self.mood = DeliveryStatus.SENT
        self.seen = defaultdict(list)
        self.contacted = {}

    def deliver(self, message):
        text = message.get_body(("plain",)).get_content()
        numbers = sorted(set(re.findall(r"F-(i\d)", text)))
        assert numbers
        self._judge(message, numbers, text)
        status = self.mood
        may_have_arrived = status not in (DeliveryStatus.FAILED, DeliveryStatus.REJECTED)
        if may_have_arrived:
            self._remember(message, numbers)
        if status == "died":
            raise KeyboardInterrupt
        return Delivery(status, detail="so it was")

    def _judge(self, message, numbers, text):
        machine, owner = self.machine, OWNERS[numbers[0]]
        assert message["To"].addresses[0].addr_spec == f"{owner}@example.com"
        assert {OWNERS[key] for key in numbers} == {owner}
        for key in numbers:
            document = machine.books.invoices[key]
            assert document.status is DocumentStatus.OPEN
            assert not document.disputed
            assert key not in machine.held
            assert str(document.outstanding.amount).replace(".", ",") in text
        since = (machine.day - self.contacted.get(owner, machine.day - timedelta(days=99))).days
        assert since >= 6 or (machine.is_alone and not since)

    def _remember(self, message, numbers):
        self.contacted[OWNERS[numbers[0]]] = self.machine.day
        for key in numbers:
            self.seen[key, self.machine.cycle[key]].append((message["Subject"], str(message["Message-ID"])))

    def close(self):
        pass


class Histories(RuleBasedStateMachine):
    @initialize(is_alone=st.booleans(), lates=st.tuples(*[st.integers(-9, 10)] * 4))
    def begin(self, is_alone, lates):
        self.is_alone = is_alone
        self.folder = tempfile.TemporaryDirectory(prefix="puntual-histories-")
        folder = Path(self.folder.name)
        self.books = MemoryBooks()
        post = type("NoPost", (), {"port": 1})()
        self.office = Office(folder, f"sqlite:///{folder / 'history.db'}", post, self.books, templates=with_plain_subjects)
        self.office.changes = [("procedures:", "grouping: invoice\nprocedures:")] if is_alone else []
        self.day, self.held, self.cycle = TODAY, {}, defaultdict(int)
        self.observer = Observer(self)
        for key, late in zip(OWNERS, lates, strict=True):
            self.books.owe(key, OWNERS[key], late=late)

    def teardown(self):
        if hasattr(self, "office"):
            self.office.close()
            self.folder.cleanup()

    def _open(self, key):
        return key in self.books.invoices and self.books.invoices[key].status is DocumentStatus.OPEN

    @rule(key=KEYS, amount=st.sampled_from(["", "10", "10"]))
    def pay(self, key, amount):
        if self._open(key):
            self.books.pay(key, amount if self.books.invoices[key].outstanding > eur("20") else "")

    @rule(key=KEYS)
    def take_payment_back(self, key):
        if key in self.books.invoices and self.books.invoices[key].status is DocumentStatus.PAID:
            part = self.books.invoices[key].instalments[0]
            self.cycle[key] += 1
            self.books.owe(key, OWNERS[key], late=(TODAY - part.due_date).days)

    @rule(key=KEYS, disputed=st.sampled_from(["", "", "wrong amount"]))
    def dispute_in_the_books(self, key, disputed):
        if self._open(key):
            self.books.change(key, disputed=disputed)

    @rule(key=KEYS, kind=st.sampled_from(list(HoldKind)))
    def hold(self, key, kind):
        if key in self.books.invoices and key not in self.held:
            self.run_()
            until = None if kind is not HoldKind.PROMISE else self.day + timedelta(days=400)
            _, made = people.hold(self.office.desk(), kind, f"F-{key}", "", "they called", until, "eva", self.day)
            self.held[key] = made.id

    @precondition(lambda self: self.held)
    @rule()
    def release(self):
        key, hold_id = self.held.popitem()
        try:
            people.release(self.office.desk(), "", "", hold_id, "released", "eva", self.day)
        except people.NotFound:
            assert self.cycle[key] or not self._open(key)

    @rule(days=st.sampled_from([1, 4, 7, 8, 9]))
    def days_pass_and_a_run_follows(self, days):
        """The next day of work after so many days."""
        self.day += timedelta(days=days)
        while self.day.weekday() > 4:
            self.day += timedelta(days=1)
        self.run_()

    @rule(mood=st.sampled_from(MOODS), paid=st.none() | KEYS)
    def run_in_some_mood(self, mood, paid):
        """The mail server takes, refuses, fails or dies; and perhaps somebody pays at the last moment."""
        self.observer.mood = mood
        if paid is not None and self._open(paid):
            self.books.before_recheck = lambda: self.books.pay(paid) if self._open(paid) else None
        self.run_()
        self.books.before_recheck = lambda: None
        self.observer.mood = DeliveryStatus.SENT

    @rule()
    def run_twice(self):
        self.run_()
        before = sum(map(len, self.observer.seen.values()))
        self.run_()
        assert sum(map(len, self.observer.seen.values())) == before

    def run_(self):
        desk = self.office.desk()
        desk.open_mail = lambda: self.observer
        self.books.last_bank_entry_on = self.day
        self.office.at(self.day)
        try:
            run(desk, self.day)
        except KeyboardInterrupt:
            return
        for key in [key for key in self.held if not self._open(key)]:
            del self.held[key]

    @rule()
    def people_say_what_became_of_unknown_mails(self):
        with reading(self.office.engine) as conn:
            unknown = [work.id for work in waiting_work(conn, "acme") if work.kind == "unknown"]
        for attempt in unknown:
            people.resolve(self.office.desk(), attempt, True, "eva", self.day)

    @invariant()
    def no_level_comes_twice_and_none_falls(self):
        """With a message for each invoice the subject is the item's own level; else it is that of the highest in the message."""
        for told in self.observer.seen.values() if hasattr(self, "observer") else ():
            ranks = [NOTICES.index(subject) for subject, _ in told]
            assert len(ranks) <= len(NOTICES)
            assert len({identity for _, identity in told}) == len(told)
            assert not self.is_alone or ranks == sorted(set(ranks))

    @invariant()
    def the_trail_is_whole_and_every_note_is_there_once(self):
        if not hasattr(self, "office") or self.office._engine is None:
            return
        self.office.audited()
        assert len(self.books.writes) == len(set(self.books.writes))


Histories.TestCase.settings = settings(
    max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
TestHistories = Histories.TestCase
