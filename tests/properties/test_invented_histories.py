"""Invented histories: whatever happens to the books, what must never happen does not."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from dunning_world import World, is_accounted_for
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from properties.invented import CURRENCIES, START, moneys, policies
from puntual.core.dunning.facts import Action, ActionItem, ActionKind, HoldKind, LastContact, Plan, TaskKind
from puntual.core.dunning.forecast import is_contact
from puntual.core.dunning.plan import Rulebook, wake_on
from puntual.core.dunning.procedures import Ladder
from puntual.core.money import Money
from puntual.core.policy.schema import NoticeKind, Policy
from puntual.core.receivables import Contact, ContactRole, Customer

MARTA = Contact("marta", "Marta", "marta@norte.example", role=ContactRole.INVOICE)
CUSTOMERS = [
    Customer("norte", "Norte", "info@norte.example", contacts=(MARTA,)),
    Customer("sur", "Sur", parent_id="norte"),
    Customer("este", "Este", "este@este.example", procedure="other"),
]
NAMES = st.sampled_from([customer.id for customer in CUSTOMERS])


class InventedHistory(RuleBasedStateMachine):
    """Books that change, days that pass, runs that act; each run is checked."""

    def __init__(self) -> None:
        super().__init__()
        self.today = START
        self.count = 0
        self.wakes: dict[str, date | None] = {}
        self.claimed: set[str] = set()
        self.moved: set[str] = set()
        self.climbed: dict[tuple[str, int], list[tuple[int, int, int]]] = {}
        self.met: dict[str, list[date]] = {}

    @initialize(policy=policies())
    def begin(self, policy: Policy) -> None:
        self.world = World(policy, {customer.id: customer for customer in CUSTOMERS})
        self.rulebook = Rulebook.of(policy)
        for number, customer in enumerate(CUSTOMERS):
            self._invoice(customer.id, START + timedelta(days=3 * number), 10, [Money.of(100 + number, "EUR")])

    # What happens in the books. Each change wakes the customer anew, as the history does.

    @rule(who=NAMES, data=st.data(), due_in=st.integers(-60, 40), age=st.integers(0, 30), parts=st.integers(1, 2))
    def invoice(self, who: str, data: st.DataObject, due_in: int, age: int, parts: int) -> None:
        currency = data.draw(st.sampled_from(CURRENCIES))
        self._invoice(who, self.today + timedelta(days=due_in), age, [data.draw(moneys(currency)) for _ in range(parts)])

    def _invoice(self, who: str, due: date, age: int, amounts: list[Money]) -> None:
        self.count += 1
        dated = [(amount, due + timedelta(days=30 * number)) for number, amount in enumerate(amounts)]
        self.world.invoice(f"F-{self.count}", who, min(self.today, due) - timedelta(days=age), dated)
        self._changed()

    def _some_invoice(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted({known.item.number for known in self.world.open.values()})))

    @precondition(lambda self: self.world.open)
    @rule(data=st.data(), share=st.sampled_from([Decimal("0.1"), Decimal("0.5"), Decimal(1), Decimal(1)]))
    def payment(self, data: st.DataObject, share: Decimal) -> None:
        number = self._some_invoice(data)
        owed = sum(known.item.outstanding.amount for known in self.world.parts_of(number))
        self.world.pay(number, max((owed * share).quantize(Decimal("0.01")), Decimal("0.01")))
        self._changed()

    @precondition(lambda self: self.world.open)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        self.world.void(self._some_invoice(data))
        self._changed()

    @precondition(lambda self: any(key.endswith("/1") for key in self.world.settled))
    @rule(data=st.data())
    def reopen(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(key for key in self.world.settled if key.endswith("/1"))))
        self.world.reopen(key.removesuffix("/1"), self.world.settled[key].item.total.amount)
        self._changed()

    @rule(who=NAMES, amount=st.sampled_from(CURRENCIES).flatmap(moneys), key=st.sampled_from(["AB-1", "AB-2"]))
    def credit(self, who: str, amount: Money, key: str) -> None:
        self.world.credit(key, who, amount)

    @rule()
    def credits_allocated(self) -> None:
        self.world.credits.clear()

    @precondition(lambda self: self.world.open)
    @rule(data=st.data(), kind=st.sampled_from(HoldKind), days=st.integers(0, 30), whole=st.booleans(), ends=st.integers(0, 5))
    def hold(self, data: st.DataObject, kind: HoldKind, days: int, whole: bool, ends: int) -> None:
        number = self._some_invoice(data)
        until = None if ends == 0 and kind is not HoldKind.PROMISE else self.today + timedelta(days=days)
        customer = self.world.parts_of(number)[0].item.customer_id
        self.world.hold(kind, customer, "" if whole else number, "said so", until)
        self._changed()

    @precondition(lambda self: self.world.holds)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        hold = data.draw(st.sampled_from(self.world.holds))
        self.world.release(hold.kind, hold.invoice_id)
        self._changed()

    @precondition(lambda self: self.world.open)
    @rule(data=st.data(), days=st.integers(-20, 60))
    def due_date_moves(self, data: st.DataObject, days: int) -> None:
        number = self._some_invoice(data)
        for known in self.world.parts_of(number):
            self.moved.add(known.item.id)
            moved = known.item.due_date + timedelta(days=days)
            self.world.open[known.item.id] = replace(known, item=replace(known.item, due_date=moved))
        self._changed()

    @precondition(lambda self: self.world.open)
    @rule(data=st.data(), what=st.sampled_from(["disputed", "do_not_chase"]), said=st.sampled_from(["", "", "", "the ledger says so"]))
    def ledger_says(self, data: st.DataObject, what: str, said: str) -> None:
        self.world.change(self._some_invoice(data), **{what: said})
        self._changed()

    @precondition(lambda self: self.world.open)
    @rule(data=st.data(), is_ours=st.sampled_from([True, True, False]))
    def is_a_late_charge(self, data: st.DataObject, is_ours: bool) -> None:
        self.world.change(self._some_invoice(data), is_late_charge=is_ours)
        self._changed()

    @rule(who=NAMES)
    def contacted_by_hand(self, who: str) -> None:
        self.world.contacts[who] = LastContact(self.today, "mail by hand")
        self.met.setdefault(who, []).append(self.today)

    @rule(who=NAMES, email=st.sampled_from(["", "pagos@otro.example", "pagos@otro.example"]))
    def address_changes(self, who: str, email: str) -> None:
        self.world.customers[who] = replace(self.world.customers[who], email=email)
        self._changed()

    @rule(email=st.sampled_from([MARTA.email, "info@norte.example"]))
    def address_refused(self, email: str) -> None:
        self.world.refused.add(email)

    @rule(days=st.integers(1, 25))
    def days_without_a_run(self, days: int) -> None:
        self.today += timedelta(days=days)

    @rule(days=st.integers(1, 30), approved=st.booleans())
    def run_day_by_day(self, days: int, approved: bool) -> None:
        for _ in range(days):
            self._run(approved)
            self.today += timedelta(days=1)

    @rule(times=st.integers(2, 9))
    def run_each_week(self, times: int) -> None:
        for _ in range(times):
            self._run(approved=True)
            self.today += timedelta(days=7)

    @rule(approved=st.booleans())
    def run(self, approved: bool) -> None:
        self._run(approved)

    def _changed(self) -> None:
        self.wakes = {
            known.item.id: wake_on(
                known, facts.customer, self.rulebook.assignments.rules_for(facts.customer), facts.holds, self.rulebook, self.today
            )
            for facts in self.world.facts()
            for known in facts.items
        }

    def _run(self, approved: bool) -> None:
        made = self.world.plan(self.today)
        self._plan_is_sound(made)
        for action in made.actions:
            self._action_is_right(action)
        done = [action for action in made.actions if approved or not action.needs_approval]
        for action in done:
            self._remember(action)
        self.world.carry_out(done, self.today)
        if done:
            self._changed()
        again = {action.key for action in self.world.plan(self.today).actions}
        assert again <= {action.key for action in made.actions if action not in done}, "the plan after the plan is not empty"

    def _plan_is_sound(self, made: Plan) -> None:
        assert is_accounted_for(made, self.world)
        shuffled = [replace(f, items=f.items[::-1], credits=f.credits[::-1], holds=f.holds[::-1]) for f in self.world.facts()[::-1]]
        assert self.world.plan(self.today, shuffled) == made
        awake = {key for key, day in self.wakes.items() if day is not None and day <= self.today}
        due = [facts for facts in self.world.facts() if any(known.item.id in awake for known in facts.items)]
        assert self.world.plan(self.today, due).actions == made.actions, "something was due that nobody woke"
        limit = self.world.policy.sending.daily_limit
        notices = sum(1 for action in made.actions if action.kind is ActionKind.NOTICE and not action.needs_approval)
        assert limit is None or notices + self.world.sent.get(self.today, 0) <= limit or not notices

    def _action_is_right(self, action: Action) -> None:
        world, policy = self.world, self.world.policy
        for currency in {entry.item.outstanding.currency for entry in action.items}:
            of_currency = [entry.item.outstanding.amount for entry in action.items if entry.item.outstanding.currency == currency]
            assert [total.amount for total in action.totals if total.currency == currency] == [sum(of_currency)]
            credit = sum(
                c.remaining.amount
                for c in world.credits.values()
                if c.customer_id == action.customer.id and c.remaining.currency == currency
            )
            assert action.task is TaskKind.DECIDE or credit < sum(of_currency)
        if is_contact(action):
            met = [day for day in self.met.get(action.customer.id, []) if day < self.today]
            assert not met or (self.today - max(met)).days >= policy.sending.min_days_between_contacts
            assert self.rulebook.calendar.is_open(self.today)
        for entry in action.items:
            self._item_may_be_chased(entry)
            self._day_has_come(action, entry)

    def _item_may_be_chased(self, entry: ActionItem) -> None:
        item, policy = entry.item, self.world.policy
        assert self.world.open[item.id].item == item
        assert item.outstanding.is_positive
        assert not item.disputed
        assert not item.do_not_chase
        assert not item.is_late_charge
        assert item.outstanding.currency != "EUR" or item.outstanding.amount > 5
        assert policy.go_live is None or self.today >= policy.go_live.on
        for hold in self.world.holds:
            if hold.customer_id == item.customer_id and hold.invoice_id in ("", item.invoice_id):
                grace = policy.promises.grace_days if hold.kind is HoldKind.PROMISE else 0
                assert hold.until is not None
                assert hold.until + timedelta(days=grace) < self.today

    def _day_has_come(self, action: Action, entry: ActionItem) -> None:
        age = entry.item.days_overdue(self.today)
        if action.task is TaskKind.DECIDE or entry.notice is NoticeKind.SUMMARY:
            assert age > 0
        elif entry.level_days > 0:
            assert age >= entry.level_days
        else:
            assert entry.level_days <= age <= 0
            assert age < 0 or entry.level_days == 0

    def _remember(self, action: Action) -> None:
        for entry in action.items:
            key = f"{entry.key(ActionKind.NOTICE)}|{'' if is_contact(action) else action.task}"
            # An item remembers one task; when its due date was moved to and fro, only the unique key of the history stops the second.
            assert key not in self.claimed or (action.task is TaskKind.NO_ADDRESS and entry.item.id in self.moved), f"{key} twice"
            self.claimed.add(key)
            if is_contact(action):
                self._climb(action, entry)
        if is_contact(action):
            self.met.setdefault(action.customer.id, []).append(self.today)

    def _climb(self, action: Action, entry: ActionItem) -> None:
        rules = self.rulebook.assignments.rules_for(action.customer)
        ladder = self.rulebook.assignments.assign(entry.item, action.customer, rules, self.today)
        assert isinstance(ladder, Ladder)
        index = [level.key for level in ladder.levels].index(entry.level_key)
        first_overdue = next((number for number, level in enumerate(ladder.levels) if level.days > 0), len(ladder.levels))
        steps = self.climbed.setdefault((entry.item.id, entry.cycle), [])
        go_live = self.world.policy.go_live
        if steps and index == steps[-1][0]:
            assert entry.repeat == steps[-1][1] + 1
        elif steps and steps[-1][0] >= first_overdue:
            assert index == steps[-1][0] + 1
        elif steps:
            assert steps[-1][0] < index <= first_overdue
        else:
            assert index <= first_overdue or (go_live is not None and entry.item.due_date < go_live.on)
        steps.append((index, entry.repeat, entry.level_days))


InventedHistory.TestCase.settings = settings(
    max_examples=250, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
TestInventedHistory = InventedHistory.TestCase
