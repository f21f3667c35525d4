"""Reads a story: a policy, customers, dated events, and after each run the plan that is expected, as text.

`run` carries out what it plans, except what a person has to approve; `run approved` carries out that too; `plan` carries out nothing;
`run daily until DATE` does a run a day and names the day before each line. `leave F-1 reason` may be said of items that are left alone.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from dunning_world import World, is_accounted_for
from policy.material import read
from puntual.core.dunning.facts import Action, ActionKind, HoldKind, LastContact, Plan, TaskKind
from puntual.core.dunning.printout import label
from puntual.core.money import Money
from puntual.core.policy.schema import NoticeKind, Policy
from puntual.core.receivables import Contact, ContactRole, Customer

FOLDER = Path(__file__).parent
_CUSTOMER = re.compile(r"(?P<name>[^<(]+?)\s*(?:<(?P<email>[^>]*)>)?\s*(?P<language>[a-z]{2}(?:-[A-Z]{2})?)?\s*(?:\((?P<more>.*)\))?")
_CONTACT = re.compile(r"(?P<name>\w+) <(?P<email>[^>]*)> (?P<role>\w+)(?: (?P<language>[a-z]{2}))?")
_KINDS = {"promise": HoldKind.PROMISE, "dispute": HoldKind.DISPUTE, "hold": HoldKind.MANUAL}
_TITLES = {TaskKind.CALL: "call", TaskKind.NO_ADDRESS: "find an address of", TaskKind.DECIDE: "decide on"}


@dataclass
class Entry:
    """A dated line and the indented lines below it."""

    line: int
    on: date
    text: str
    below: list[str] = field(default_factory=list)


@dataclass
class Story:
    """A story as it was read, and the world it plays in."""

    world: World
    entries: list[Entry]
    changes: dict[str, Any]


def policy_of(changes: dict[str, Any]) -> Policy:
    """The stories' policy with some keys set otherwise, by dotted path; read and checked as a company's file is."""
    raw = yaml.safe_load((FOLDER / "standard.yaml").read_text(encoding="utf-8"))
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = raw
        for key in parents:
            place = place.setdefault(key, {})
        place[last] = value
    return read(yaml.safe_dump(raw, allow_unicode=True, sort_keys=False))


def read_story(path: Path) -> Story:
    """The story in a file."""
    changes: dict[str, Any] = {}
    customers: list[Customer] = []
    entries: list[Entry] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("Policy:"):
            continue
        if line.startswith("Customer:"):
            customers.append(_customer(line.removeprefix("Customer:").strip()))
        elif line.startswith(" ") and not entries:
            changes |= _change(line)
        elif line.startswith(" "):
            entries[-1].below.append(line.strip())
        else:
            entries.append(Entry(number, date.fromisoformat(line[:10]), line[11:].strip()))
    return Story(World(policy_of(changes), {customer.id: customer for customer in customers}), entries, changes)


def _change(line: str) -> dict[str, Any]:
    path, _, value = line.strip().partition(": ")
    return {path: yaml.safe_load(value)}


def _customer(text: str) -> Customer:
    found = _CUSTOMER.fullmatch(text)
    assert found, f"no customer: {text}"
    customer = Customer(found["name"], found["name"], found["email"] or "", language=found["language"] or "", country="ES")
    for setting in (found["more"] or "").split(";"):
        key, _, value = setting.strip().partition(" ")
        if key == "contact":
            customer = replace(customer, contacts=(*customer.contacts, _contact(value)))
        elif key:
            customer = replace(customer, **_SETTINGS[key](value))
    return customer


_SETTINGS: dict[str, Callable[[str], dict[str, Any]]] = {
    "country": lambda value: {"country": value},
    "group": lambda value: {"groups": (value,)},
    "procedure": lambda value: {"procedure": value},
    "parent": lambda value: {"parent_id": value},
    "no-chasing": lambda value: {"do_not_chase": value},
}


def _contact(text: str) -> Contact:
    found = _CONTACT.fullmatch(text)
    assert found, f"no contact: {text}"
    return Contact(found["name"], found["name"], found["email"], "", ContactRole(found["role"]), found["language"] or "")


def play(story: Story) -> Iterator[tuple[Entry, list[str], list[str]]]:
    """Tell the story; of each run the entry, what was planned, and why the rest is left alone, as text."""
    for entry in story.entries:
        word, _, rest = entry.text.partition(" ")
        if word in ("run", "plan"):
            yield entry, *_run(story.world, entry.on, word, rest)
        elif word == "policy":
            for line in entry.below:
                story.changes |= _change(line)
            story.world.policy = policy_of(story.changes)
        else:
            _EVENTS[word](story.world, entry.on, rest)


def _run(world: World, on: date, word: str, how: str) -> tuple[list[str], list[str]]:
    if not how.startswith("daily until "):
        made = _one_run(world, on, carry_out=word == "run", approved=how == "approved")
        return [told(action) for action in made.actions], _left(made)
    lines: list[str] = []
    left: list[str] = []
    while on <= date.fromisoformat(how.removeprefix("daily until ").removesuffix(" approved")):
        made = _one_run(world, on, carry_out=True, approved=how.endswith(" approved"))
        lines += [f"{on} {told(action)}" for action in made.actions]
        left = _left(made)
        on += timedelta(days=1)
    return lines, left


def _one_run(world: World, on: date, *, carry_out: bool, approved: bool) -> Plan:
    made = world.plan(on)
    backwards = [replace(facts, items=facts.items[::-1], credits=facts.credits[::-1], holds=facts.holds[::-1]) for facts in world.facts()]
    assert is_accounted_for(made, world)
    assert world.plan(on, backwards[::-1]) == made
    if carry_out:
        done = [action for action in made.actions if approved or not action.needs_approval]
        world.carry_out(done, on)
        waiting = {action.key for action in made.actions if action not in done}
        assert {action.key for action in world.plan(on).actions} == waiting, "the same day again plans something new"
    return made


def _left(made: Plan) -> list[str]:
    return [
        f"leave {skipped.number} {skipped.reason.value}" + (f" until {skipped.until}" if skipped.until else "") for skipped in made.skipped
    ]


def told(action: Action) -> str:
    """An action as a story tells it."""
    sums = " + ".join(f"{total.amount} {total.currency}" for total in action.totals)
    numbers = ", ".join(label(entry.item) for entry in action.items)
    more = "".join(f" [{remark}]" for remark in _remarks(action))
    if action.kind is ActionKind.NOTICE:
        verb = "ask to write" if action.needs_approval else "write"
        return f"{verb} {action.customer.name} {action.level} {sums}: {numbers}{more}"
    assert action.task is not None
    return f"{_TITLES[action.task]} {action.customer.name} {sums}: {numbers}{more}"


def _remarks(action: Action) -> Iterator[str]:
    if action.recipient and action.recipient.email != action.customer.email:
        yield f"to {action.recipient.email}"
    if action.kind is ActionKind.NOTICE and action.language != "es":
        yield f"in {action.language}"
    if action.notice is NoticeKind.SUMMARY:
        yield "summary"
    yield from (f"credit {credit.id} {credit.remaining}" for credit in action.credits)
    yield from (f"{entry.item.number} promised for {entry.broken_promise_on}" for entry in action.items if entry.broken_promise_on)


def _invoice(world: World, on: date, rest: str) -> None:
    found = re.fullmatch(r"(\S+) (.+?)(?: for (.+?))?(?: to (\w+))?", rest)
    assert found, rest
    parts = re.findall(r"([\d.]+) ([A-Z]{3}) due ([\d-]{10})", found[2])
    customer = found[3] or next(iter(world.customers))
    world.invoice(found[1], customer, on, [(Money.of(a, c), date.fromisoformat(d)) for a, c, d in parts], found[4] or "")


def _payment(world: World, _: date, rest: str) -> None:
    number, amount = rest.split()
    world.pay(number, Decimal(amount))


def _credit(world: World, _: date, rest: str) -> None:
    key, amount, currency = rest.split()
    world.credit(key, next(iter(world.customers)), Money.of(amount, currency))


def _allocate(world: World, _: date, rest: str) -> None:
    key, number, amount = rest.split()
    credit = world.credits.pop(key)
    world.pay(number, Decimal(amount))
    left = credit.remaining - Money.of(amount, credit.remaining.currency)
    if left.is_positive:
        world.credits[key] = replace(credit, remaining=left)


def _stop(kind: HoldKind) -> Callable[[World, date, str], None]:
    def stop(world: World, _: date, rest: str) -> None:
        found = re.fullmatch(r"(\S+)(?: (?:until )?([\d-]{10}))?(?: (.*))?", rest)
        assert found, rest
        number = "" if found[1] == "customer" else found[1]
        customer = world.parts_of(number)[0].item.customer_id if number else next(iter(world.customers))
        world.hold(kind, customer, number, found[3] or "as agreed", date.fromisoformat(found[2]) if found[2] else None)

    return stop


def _release(world: World, _: date, rest: str) -> None:
    kind, target = rest.split()
    world.release(_KINDS[kind], "" if target == "customer" else target)


def _ledger(world: World, _: date, rest: str) -> None:
    what, number, said = [*rest.split(" ", 2), ""][:3]
    if what == "due":
        world.change(number, due_date=date.fromisoformat(said))
    elif what == "late-charge":
        world.change(number, is_late_charge=True)
    else:
        world.change(number, **{{"no-chasing": "do_not_chase", "disputed": "disputed"}[what]: said})


def _customer_says(world: World, _: date, rest: str) -> None:
    key, _, value = rest.partition(" ")
    first = next(iter(world.customers))
    change = {"email": lambda v: {"email": v}, **_SETTINGS}[key](value)
    world.customers[first] = replace(world.customers[first], **change)


def _contacted(world: World, on: date, rest: str) -> None:
    world.contacts[next(iter(world.customers))] = LastContact(on, rest)


_EVENTS: dict[str, Callable[[World, date, str], None]] = {
    "invoice": _invoice,
    "payment": _payment,
    "void": lambda world, _, rest: world.void(rest),
    "reopen": lambda world, _, rest: world.reopen(rest.split()[0], Decimal(rest.split()[1])),
    "credit": _credit,
    "allocate": _allocate,
    "release": _release,
    "ledger": _ledger,
    "customer": _customer_says,
    "contacted": _contacted,
    "refused": lambda world, _, rest: world.refused.add(rest),
    **{word: _stop(kind) for word, kind in _KINDS.items()},
}
