"""`next_action_on` of every open item is always what the decisions say, whatever happened before: a property over invented histories."""

import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

from history.databases import migrated_database
from history.sample_books import AT, COMPANY, TODAY, customer, invoice, planned, rulebook, store
from hypothesis import given, settings
from hypothesis import strategies as st
from puntual.core.dunning.facts import HoldKind
from puntual.core.dunning.plan import wake_on
from puntual.core.history.attempts import AttemptStatus, Ending, begin, claim, recover, settle
from puntual.core.history.books import ensure_company, wake
from puntual.core.history.database import open_database, writing
from puntual.core.history.holds import active_holds, add_hold, end_holds
from puntual.core.history.read import all_customers, open_customer_ids
from puntual.core.history.tables import items, metadata
from sqlalchemy import delete

RULEBOOKS = (
    rulebook(),
    rulebook(("tolerance: {EUR: 1}", "tolerance: {EUR: 60}")),
    rulebook(("{key: reminder, days: 1,", "{key: reminder, days: 3,")),
    rulebook(("tolerance:", "customers:\n  - {match: {ids: [c1]}, exclude: {reason: friends, until: 2026-05-20}}\ntolerance:")),
    rulebook(("go_live: {date: 2020-01-01", "go_live: {date: 2026-05-16")),
)
OWNERS = ("c1", "c2")
DAY = timedelta(days=1)
ENDS = (AttemptStatus.SENT, AttemptStatus.FAILED, AttemptStatus.REJECTED, AttemptStatus.UNKNOWN)

some_invoice = st.builds(
    invoice,
    st.sampled_from(["i1", "i2", "i3"]),
    st.sampled_from(OWNERS),
    late=st.integers(-12, 40),
    paid=st.sampled_from(["0", "0", "50", "99.5", "100"]),
    disputed=st.sampled_from(["", "", "", "wrong amount"]),
    is_late_charge=st.sampled_from([False, False, False, True]),
)
some_customer = st.builds(customer, st.sampled_from(OWNERS), do_not_chase=st.sampled_from(["", "", "", "the owner's brother"]))
some_kind = st.sampled_from(list(HoldKind))
event = st.one_of(
    st.tuples(st.just("page"), st.lists(some_invoice, max_size=3), st.lists(some_customer, max_size=2)),
    st.tuples(
        st.just("hold"), st.sampled_from(list(HoldKind)), st.sampled_from(OWNERS), st.sampled_from(["", "i1", "i2"]), st.integers(-3, 9)
    ),
    st.tuples(st.just("release")),
    st.tuples(st.just("act"), st.sampled_from(ENDS)),
    st.tuples(st.just("die")),
    st.tuples(st.just("rules"), st.sampled_from(range(len(RULEBOOKS)))),
    st.tuples(st.just("days"), st.integers(1, 9)),
)


class History:
    """A history to which events happen, with what a worker does after each."""

    def __init__(self, conn):
        self.conn = conn
        self.rules = RULEBOOKS[0]
        self.day = TODAY

    def page(self, invoices, people):
        store(self.conn, *invoices, people=people, rules=self.rules, on=self.day)

    def hold(self, kind, owner, invoice_id, days):
        until = None if days == 9 and kind is not HoldKind.PROMISE else self.day + timedelta(days=days)
        add_hold(self.conn, COMPANY, kind, owner, invoice_id, "x", until, "eva", AT)
        self._wake([owner])

    def release(self):
        held = active_holds(self.conn, COMPANY)[:1]
        end_holds(self.conn, COMPANY, [hold.id for hold in held], "x", "eva", AT)
        self._wake([hold.customer_id for hold in held])

    def act(self, status):
        made, _ = claim(self.conn, COMPANY, "r", planned(self.conn, rules=self.rules, on=self.day), self.day, AT)
        for attempt in made:
            begin(self.conn, COMPANY, attempt)
            settle(self.conn, COMPANY, attempt, Ending(status), self.day, AT)
        self._wake([attempt.action.customer.id for attempt in made])

    def die(self):
        made, _ = claim(self.conn, COMPANY, "r", planned(self.conn, rules=self.rules, on=self.day), self.day, AT)
        for attempt in made[:1]:
            begin(self.conn, COMPANY, attempt)
        recover(self.conn, COMPANY, AT)
        self._wake([attempt.action.customer.id for attempt in made])

    def rules_(self, number):
        self.rules = RULEBOOKS[number]
        for ids in open_customer_ids(self.conn, COMPANY):
            self._wake(ids)

    def days(self, count):
        self.day += timedelta(days=count)

    def _wake(self, ids):
        wake(self.conn, COMPANY, ids, self.rules, self.day)

    def apply(self, name, *arguments):
        getattr(self, {"rules": "rules_"}.get(name, name))(*arguments)

    def stored(self):
        return {row.item_id: row.next_action_on for row in self.conn.execute(items.select()) if row.status == "open"}

    def true(self):
        """What the decisions say today of every open item."""
        found = {}
        for facts in all_customers(self.conn, COMPANY):
            rules = self.rules.assignments.rules_for(facts.customer)
            found |= {one.item.id: wake_on(one, facts.customer, rules, facts.holds, self.rules, self.day) for one in facts.items}
        return found


@cache
def database():
    folder = tempfile.mkdtemp(prefix="puntual-waking-")
    with migrated_database("sqlite", Path(folder)) as url:
        return open_database(url)


def fresh(conn):
    for table in metadata.sorted_tables:
        conn.execute(delete(table))
    ensure_company(conn, COMPANY)
    return History(conn)


@settings(max_examples=120, deadline=None)
@given(st.lists(event, min_size=1, max_size=10))
def test_every_open_item_wakes_on_the_day_the_decisions_say(events):
    with writing(database()) as conn:
        history = fresh(conn)
        for each in events:
            history.apply(*each)
            stored, true = history.stored(), history.true()
            assert stored.keys() == true.keys()
            if each[0] == "rules":
                assert stored == true
            late = {key for key, day in true.items() if day is not None and (stored[key] is None or stored[key] > max(day, history.day))}
            assert not late


def test_a_late_charge_wakes_on_no_day_whatever_the_policy_until_it_is_none():
    with writing(database()) as conn:
        history = fresh(conn)
        history.page([invoice(is_late_charge=True, late=9), invoice("i2", late=9)], [customer()])
        for number in range(len(RULEBOOKS)):
            history.apply("rules", number)
            assert (history.stored()["i1/1"], history.stored()["i2/1"] is None) == (None, False)
        history.apply("rules", 0)
        history.page([invoice(late=9)], [])
        assert history.stored()["i1/1"] == TODAY - 8 * DAY
        history.page([invoice(is_late_charge=True, late=9)], [])
        assert history.stored()["i1/1"] is None


@settings(max_examples=60, deadline=None)
@given(st.lists(event.filter(lambda each: each[0] != "days"), min_size=1, max_size=10))
def test_within_a_day_it_is_exactly_that_day(events):
    with writing(database()) as conn:
        history = fresh(conn)
        for each in events:
            history.apply(*each)
            assert history.stored() == history.true(), each
