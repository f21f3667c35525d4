"""The oracle: it looks at the mails that were taken, at the books, and at the audit chain, and says what should not have been.

It has its own idea of the rules, and asks none of the code under test what it thinks.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from hashlib import sha256
from itertools import pairwise, product
from typing import Any

from puntual.core.dunning.facts import HoldKind
from puntual.core.history import audit
from puntual.core.history.attempts import AttemptStatus
from puntual.core.history.database import reading
from puntual.core.history.tables import attempt_items, attempts, companies, work_list
from puntual.core.money import Money
from puntual.core.port import Capability
from simulation.oracle_charges import OLDEST_LOOK, of_charges, stood
from simulation.oracle_pages import of_call, of_pages
from simulation.play import Play, Taken
from simulation.simulated_world import Rung, Seller, is_open, outstanding_of
from simulation.townspeople import Said, message_id_of
from sqlalchemy import select

_NUMBER = re.compile(r"\bF-[a-d]\d{3}\b")
_AMOUNT = re.compile(r"(-?[\d.]+,\d\d) €")
_SLACK_OF_HOURS = timedelta(minutes=10)
"""Clocks may be off by so much. What counts is when the worker wrote down that it sends."""
_SOON = timedelta(minutes=5)
"""A webhook waits for others, and then for the next look; after that the books are read, when nothing is in the way."""
_A_RUN = timedelta(days=2)
"""Within so long there was a run, in calm days."""

Key = tuple[str, str, int, int]
"""Item, level, cycle, repeat."""


class Oracle:
    """What one play looks like from outside."""

    def __init__(self, play: Play) -> None:
        self.play, self.world = play, play.world
        self.keys: dict[int, tuple[Key, ...]] = {}
        with reading(play.engine) as conn:
            self.attempts = conn.execute(select(attempts)).mappings().all()
            self.attempt_items = conn.execute(select(attempt_items)).mappings().all()
            self.leases = conn.execute(select(companies.c.company, companies.c.run_id, companies.c.run_until)).all()
            self.work = conn.execute(select(work_list)).mappings().all()
            self.chains = {name: audit.verify(conn, name) for name in self.world.sellers}
            self.trails = {name: list(audit.entries_of(conn, name))[::-1] for name in self.world.sellers}

    def faults(self) -> list[str]:
        """Everything that should not have been, in words."""
        found = list(self.play.wrong)
        looks = (self._contacts, self._rises, self._written, self._charges, self._payments, self._notes, self._calls_asked_for)
        looks += (self._expected, self._wishes, self._trail, self._pages)
        for number, mail in enumerate(self.play.taken):
            found += self._of_mail(number, mail)
        found += self._twice()
        for seller in self.world.sellers.values():
            for look in looks:
                found += look(seller)
            found += self._left_out(seller)
        found += self._leases_and_attempts()
        return found

    # --- one mail ---------------------------------------------------------------------------------------------------------------

    def _of_mail(self, number: int, mail: Taken) -> Iterator[str]:
        seller = self.world.sellers[mail.company]
        said = f"{mail.company} {mail.at:%d %b %H:%M:%S} to {mail.to}"
        numbers = sorted(set(_NUMBER.findall(mail.text)))
        self.keys[number] = self._decoded(seller, mail, numbers)
        if not numbers or not self.keys[number]:
            yield f"{said}: the mail does not say what it is about ({numbers}, {mail.message_id})"
        for one in numbers:
            invoice_id = f"i{one.removeprefix('F-')}"
            yield from (f"{said}: {what}" for what in self._of_item(seller, mail, invoice_id, one, numbers))
        for item, level, cycle, repeat in self.keys[number]:
            yield from (f"{said}: {what}" for what in self._of_level(seller, mail, item, level, cycle, repeat))
        yield from (f"{said}: {what}" for what in self._of_whole(seller, mail, numbers))

    def _decoded(self, seller: Seller, mail: Taken, numbers: list[str]) -> tuple[Key, ...]:
        """Which items at which levels the Message-ID stands for; empty when none fits."""
        items = [f"i{one.removeprefix('F-')}/1" for one in numbers]
        levels = [rung.key for rung in seller.ladder if not rung.is_call]
        for cycle in (1, 2):
            for chosen in product(levels, repeat=len(items)):
                keys = tuple((item, level, cycle, 0) for item, level in zip(items, chosen, strict=True))
                if message_id_of(seller.name, action_key(keys)) == mail.message_id:
                    return keys
        return ()

    def _of_item(self, seller: Seller, mail: Taken, invoice_id: str, number: str, numbers: list[str]) -> Iterator[str]:
        seen = mail.seen.get(invoice_id)
        if seen is None:
            yield f"{number} was sent without a last look at the books"
            return
        facts = seen.facts
        if facts["status"] != "open" or not facts["owed"].is_positive:
            yield f"{number} was {facts['status']} when the books were looked at last, at {seen.at:%d %b %H:%M:%S}"
            return
        age = mail.by_clock - seen.by_clock
        if age > OLDEST_LOOK:
            yield f"{number} was sent {age} after the last look at the books"
        if facts["disputed"]:
            yield f"{number} was disputed when the books were looked at last"
        if facts["owed"].amount <= 1:
            yield f"{number}: {facts['owed']} is not worth a mail"
        amounts = _amounts(mail.text, number, alone=len(numbers) == 1)
        if amounts != {_shown(facts["owed"])}:
            yield f"{number}: the mail asks for {sorted(amounts)}, and {_shown(facts['owed'])} is owed"
        if seller.books.invoices[invoice_id].customer_id != mail.to.partition("@")[0] and invoice_id in seller.books.invoices:
            yield f"{number} was sent to somebody else"
        for said in self.play.said[seller.name]:
            if stood(said, seller, invoice_id, mail.asked_on, mail.heard.get(invoice_id, seen.at)):
                yield f"{number} was sent although there was a {said.kind.value} on it since {said.since:%d %b %H:%M:%S}"

    def _of_level(self, seller: Seller, mail: Taken, item: str, level: str, cycle: int, repeat: int) -> Iterator[str]:
        facts = mail.seen[item.partition("/")[0]].facts if item.partition("/")[0] in mail.seen else {}
        days = next(rung.days for rung in seller.ladder if rung.key == level)
        if "due" in facts and mail.asked_on < facts["due"] + timedelta(days=days):
            yield f"{item} is due on {facts['due']}, and {level} is for {days} days after that"
        approved = self.play.approved[seller.name].get(f"{item}|notice|{level}|{cycle}|{repeat}")
        if seller.mode == "approve" and (approved is None or approved > mail.begun):
            yield f"{item} at level {level} was approved by nobody"

    def _of_whole(self, seller: Seller, mail: Taken, numbers: list[str]) -> Iterator[str]:
        at = mail.begun.astimezone(seller.zone)
        lowest, highest = ((at.replace(hour=limit.hour, minute=limit.minute)) for limit in (seller.earliest, seller.latest))
        if not lowest - _SLACK_OF_HOURS <= at <= highest + _SLACK_OF_HOURS:
            yield f"it is {at:%H:%M} in {seller.zone.key}"
        if seller.weekdays_only and at.weekday() > 4:
            yield f"it is {at:%A}"
        seen = [mail.seen[key].facts for key in mail.seen if f"F-{key[1:]}" in numbers]
        total = sum((facts["owed"] for facts in seen if "owed" in facts), start=Money.zero("EUR"))
        credit = mail.credits.get(mail.to.partition("@")[0])
        if credit is not None and numbers and credit.amount >= total.amount > 0:
            yield f"{credit} of unallocated credit cover the {total} that are asked for"

    # --- all mails --------------------------------------------------------------------------------------------------------------

    def _twice(self) -> Iterator[str]:
        sent: dict[tuple[str, Key], list[Taken]] = defaultdict(list)
        for number, mail in enumerate(self.play.taken):
            for key in self.keys[number]:
                sent[mail.company, key].append(mail)
        for (company, key), mails in sent.items():
            if len(mails) > 1:
                times = ", ".join(f"{mail.at:%d %b %H:%M:%S}" for mail in mails)
                yield f"{company}: {key[0]} at level {key[1]} went out {len(mails)} times: {times}"

    def _rises(self, seller: Seller) -> Iterator[str]:
        """Nobody gets a notice of a level that is not above the last one."""
        order = [rung.key for rung in seller.ladder]
        last: dict[tuple[str, int], str] = {}
        for number, mail in enumerate(self.play.taken):
            for item, level, cycle, _ in self.keys[number] if mail.company == seller.name else ():
                before = last.get((item, cycle))
                if before is not None and order.index(level) < order.index(before):
                    yield f"{seller.name}: {item} got {level} on {mail.asked_on}, after {before}"
                last[item, cycle] = level

    def _contacts(self, seller: Seller) -> Iterator[str]:
        days: dict[str, list[date]] = defaultdict(list)
        for mail in self.play.taken:
            if mail.company == seller.name:
                days[mail.to].append(mail.asked_on)
        for customer in seller.books.people:
            days[f"{customer}@cliente.example"] += self._calls(seller, customer)
        for to, on in days.items():
            apart = sorted(on) if seller.grouping == "customer" else sorted(set(on))
            for one, other in pairwise(apart):
                if (other - one).days < seller.least_gap:
                    yield f"{seller.name}: {to} heard of us on {one} and on {other}"

    # --- the books --------------------------------------------------------------------------------------------------------------

    def _written(self, seller: Seller) -> Iterator[str]:
        for (kind, marker), times in seller.books.made.items():
            if times > 1:
                yield f"{seller.name}: the {kind} {marker} was written {times} times"

    def _charges(self, seller: Seller) -> Iterator[str]:
        yield from of_charges(self.play, seller)
        if seller.fee is not None and not seller.announces:
            yield from self._not_charged(seller, {charge.invoice_id for charge, _ in seller.books.charges.values()})

    def _not_charged(self, seller: Seller, charged: set[str]) -> Iterator[str]:
        last = seller.day(self.world.end) - timedelta(days=3)
        for one in seller.books.invoices.values():
            quiet = self._quiet_since(seller, one)
            if (
                quiet is None
                or one.is_late_charge
                or one.id in charged
                or any(gone.invoice_id == one.id for gone, _ in self.play.waived[seller.name])
            ):
                continue
            if max(quiet, one.due_date + timedelta(days=(seller.fee_days or 0) + 1)) <= last:
                yield f"{seller.name}: {one.id} was due on {one.due_date} and was never charged"

    def _payments(self, seller: Seller) -> Iterator[str]:
        recorded = defaultdict(int)
        for payment, _ in seller.books.received.values():
            recorded[payment.reference] += 1
        listed = " ".join(work["text"] for work in self.work if work["company"] == seller.name)
        for number in sorted(self.play.told_payments[seller.name]):
            if recorded[number] > 1:
                yield f"{seller.name}: the payment {number} was recorded {recorded[number]} times"
            has_run_since = self.play.told_of.get(number, self.world.end) < self.world.end - _A_RUN
            if not recorded[number] and number not in listed and has_run_since:
                yield f"{seller.name}: the payment {number} is neither in the books nor on the work list"

    def _pages(self, seller: Seller) -> Iterator[str]:
        yield from of_pages(self.play, seller)

    def _notes(self, seller: Seller) -> Iterator[str]:
        if Capability.NOTES not in seller.books.capabilities:
            return
        notes: dict[str, int] = defaultdict(int)
        for note in seller.books.notes.values():
            notes[note.invoice_id] += 1
        told: dict[str, int] = defaultdict(int)
        for number, mail in enumerate(self.play.taken):
            if mail.company == seller.name:
                for key in self.keys[number]:
                    told[key[0].partition("/")[0]] += 1
        for invoice_id in sorted(notes.keys() | told.keys()):
            if notes[invoice_id] != told[invoice_id]:
                yield f"{seller.name}: {invoice_id} was in {told[invoice_id]} mails and has {notes[invoice_id]} notes"

    def _calls_asked_for(self, seller: Seller) -> Iterator[str]:
        """One level of each ladder is a call, and nobody is asked twice to make it, nor about what is being paid."""
        asked = [work for work in self.work if work["company"] == seller.name and work["kind"] == "call"]
        times = Counter(invoice for work in asked for invoice in json.loads(work["invoice_ids"]))
        yield from (f"{seller.name}: a call about {invoice} was asked for {count} times" for invoice, count in times.items() if count > 1)
        for work in asked:
            for invoice in json.loads(work["invoice_ids"]):
                yield from of_call(self.play, seller, invoice, work["made_at"])

    def _expected(self, seller: Seller) -> Iterator[str]:
        """The day in the books is the latest that is promised and was not called broken in a notice."""
        if Capability.EXPECTED_PAYMENTS not in seller.books.capabilities:
            return
        for one in seller.books.invoices.values():
            if not is_open(one) or one.is_late_charge:
                continue
            standing = [said for said in self.play.said[seller.name] if said.invoice == one.id and said.kind is HoldKind.PROMISE]
            days = [said.until for said in standing if said.ended is None and said.until and not self._is_told_broken(seller, one, said)]
            if max(days, default=None) != seller.books.expected.get(one.id):
                there = seller.books.expected.get(one.id)
                yield f"{seller.name}: the payment of {one.id} is promised for {max(days, default=None)}, and the books say {there}"

    def _is_told_broken(self, seller: Seller, invoice: Any, said: Said) -> bool:
        mails = [mail for mail in self.play.taken if mail.company == seller.name and invoice.number in mail.text]
        return any(mail.begun > said.since and mail.asked_on > said.until + timedelta(days=seller.grace) for mail in mails)

    def _wishes(self, seller: Seller) -> Iterator[str]:
        reads = sorted(seller.books.read_at)
        is_fine = not self.play.weather.often and not self.play.weather.spells
        for at in self.play.wishes[seller.name]:
            until = at + _SOON if is_fine or at >= self.world.calm_from + timedelta(hours=8) else self.world.end
            if until <= self.world.end and not any(at <= read <= until for read in reads):
                yield f"{seller.name}: the books were not read by {until:%d %b %H:%M} after the webhook of {at:%d %b %H:%M:%S}"

    def _trail(self, seller: Seller) -> Iterator[str]:
        chain = self.chains[seller.name]
        if chain.broken_at is not None:
            yield f"{seller.name}: the audit chain is broken: {chain.what}"
        ended = {
            str(entry.data.get("attempt"))
            for entry in self.trails[seller.name]
            if entry.kind in ("sent", "unknown", "recovered", "resolved")
        }
        audited = defaultdict(list)
        for attempt_id, key in self._keys_of_attempts(seller.name).items():
            audited[message_id_of(seller.name, key)].append(attempt_id)
        for mail in self.play.taken:
            if mail.company == seller.name and not any(one in ended for one in audited[mail.message_id]):
                yield f"{seller.name}: the mail of {mail.at:%d %b %H:%M:%S} to {mail.to} is not in the audit chain"
        kinds = defaultdict(int)
        for entry in self.trails[seller.name]:
            kinds[entry.kind] += 1
        for kind, count in (
            ("charge_made", len(seller.books.charges)),
            ("credit_made", len(seller.books.credited)),
            ("payment_recorded", len(seller.books.received)),
        ):
            if kinds[kind] != count:
                yield f"{seller.name}: {count} in the books, and {kinds[kind]} times {kind} in the audit chain"

    def _keys_of_attempts(self, company: str) -> dict[str, str]:
        keys: dict[str, list[Key]] = defaultdict(list)
        for row in self.attempt_items:
            if row["company"] == company and row["claim_key"] is not None:
                keys[row["attempt_id"]].append((row["item_id"], row["level_key"], row["cycle"], row["repeat"]))
        return {attempt_id: action_key(tuple(these)) for attempt_id, these in keys.items()}

    # --- the end ----------------------------------------------------------------------------------------------------------------

    def _leases_and_attempts(self) -> Iterator[str]:
        long_ago = self.world.end - timedelta(hours=1)
        for company, run_id, until in self.leases:
            if run_id and until < long_ago:
                yield f"{company}: a lease that ended at {until} was never given back"
        unknown = {row["attempt_id"][:12] for row in self.attempts if row["status"] == AttemptStatus.UNKNOWN.value}
        for work in self.work:
            if work["kind"] == "unknown" and work["done_at"] is None and work["task_id"] not in unknown:
                yield f"{work['company']}: somebody is asked how {work['task_id']} ended, and that is known"
        for row in self.attempts:
            undone = row["status"] in (AttemptStatus.CLAIMED.value, AttemptStatus.SENDING.value, AttemptStatus.UNKNOWN.value)
            claimed = row["claimed_at"]
            if undone and claimed < long_ago - timedelta(days=3):
                yield f"{row['company']}: the attempt {row['attempt_id'][:8]} is still {row['status']}"

    def _left_out(self, seller: Seller) -> Iterator[str]:
        """Nothing held it, and time enough passed: the next notice must have gone out."""
        last_mail: dict[str, date] = {}
        levels: dict[str, tuple[int, date]] = {}
        for number, mail in enumerate(self.play.taken):
            if mail.company != seller.name:
                continue
            last_mail[mail.to] = max(mail.asked_on, last_mail.get(mail.to, date.min))
            for item, level, _, _ in self.keys[number]:
                index = next(at for at, rung in enumerate(seller.ladder) if rung.key == level)
                levels[item.partition("/")[0]] = (index, mail.asked_on)
        # A call about one item comes before a mail about another, also when it falls out at the last look.
        has_call = any(rung.is_call for rung in seller.ladder)
        slack = 1 + 2 * seller.weekdays_only + (seller.mode == "approve") + has_call
        for one in seller.books.invoices.values():
            quiet, step = self._quiet_since(seller, one), _next(seller.ladder, levels.get(one.id), one.due_date)
            if quiet is None or step is None or one.is_late_charge or one.customer_id in self.play.refused:
                continue
            contacts = [last_mail.get(f"{one.customer_id}@cliente.example", date.min), *self._calls(seller, one.customer_id)]
            again = max(contacts) + timedelta(days=2 if max(contacts) > date.min else 0)
            ready = max(quiet, step, again) + timedelta(days=slack)
            if ready <= seller.day(self.world.end):
                yield f"{seller.name}: {one.id} (due {one.due_date}) was ready for its next notice on {max(step, quiet)}, and none came"

    def _calls(self, seller: Seller, customer: str) -> list[date]:
        """The days on which somebody was asked to call the customer: a contact, too."""
        asked = [work for work in self.work if (work["company"], work["customer_id"], work["kind"]) == (seller.name, customer, "call")]
        return [seller.day(work["made_at"]) for work in asked]

    def _quiet_since(self, seller: Seller, invoice: Any) -> date | None:
        """Since when nothing keeps it from being chased and nobody touched it; None when something still does."""
        if not is_open(invoice) or invoice.disputed or outstanding_of(invoice).amount <= 1 or invoice.due_date < seller.go_live:
            return None
        if any(note.customer_id == invoice.customer_id for note in seller.books.credits.values()):
            return None
        if any(invoice.id in number for number in self.play.told_payments[seller.name]):
            return None
        last = max([self.world.calm_from, *(at for at, _ in self.play.changes[seller.name, invoice.id])])
        # A debit may fail in calm days, too, and after the run of its day.
        since = seller.day(last) + timedelta(days=last > self.world.calm_from)
        for said in self.play.said[seller.name]:
            if said.invoice == invoice.id or (not said.invoice and said.customer == invoice.customer_id):
                if said.ended is None and said.until is None:
                    return None
                over = seller.day(said.ended) if said.ended else said.until + timedelta(days=seller.grace)
                since = max(since, over + timedelta(days=1))
        return since


def action_key(keys: tuple[Key, ...]) -> str:
    """What an action is called by, from its items (see dunning/grouping.py: the same however often it is planned)."""
    names = sorted(f"{item}|notice|{level}|{cycle}|{repeat}" for item, level, cycle, repeat in keys)
    return sha256("\n".join(names).encode()).hexdigest()[:20]


def _next(ladder: list[Rung], sent: tuple[int, date] | None, due: date) -> date | None:
    """The first day of the next notice after the due date; None when there is none, or a call comes first."""
    index = sent[0] if sent else -1
    for rung in ladder[index + 1 :]:
        if rung.is_call:
            return None
        if rung.days > 0:
            earliest = due + timedelta(days=rung.days)
            if sent and ladder[index].days > 0:
                return max(earliest, sent[1] + timedelta(days=max(rung.days - ladder[index].days, 1)))
            return earliest
    return None


def _amounts(text: str, number: str, *, alone: bool) -> set[str]:
    """What the mail asks for this invoice: on its line, or as what is outstanding."""
    found = set()
    for line in text.splitlines():
        is_row = re.match(rf"\s+{number}\s", line) is not None
        if is_row or (alone and line.strip().startswith("Importe pendiente")):
            found |= set(_AMOUNT.findall(line)[-1:])
    return found


def _shown(money: Money) -> str:
    return f"{money.amount:,.2f}".replace(",", "_").replace(".", ",").replace("_", ".")
