"""A look at the books is good for a while only: files and mail servers are slow, and machines sleep."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from history.sample_books import TODAY
from puntual.core.dunning.facts import SkipReason
from puntual.core.errors import AnotherRunUnderWay, TryLater
from puntual.core.port import Capability
from puntual.core.worker.act import FRESH, OLDEST_LOOK
from puntual.core.worker.clock import FixedClock
from puntual.core.worker.run import run
from worker.memory_ledger import MemoryLedger
from worker.office import Office


class Slow(Office):
    """`connecting` happens when a run connects with the mail server: its first mail is begun then, and not handed over yet."""

    machine = FixedClock(None)
    connecting: Callable[[], object] = staticmethod(lambda: None)

    def desk(self):
        made = super().desk()

        def open_mail():
            happens, self.connecting = self.connecting, lambda: None
            happens()
            return made.open_mail()

        return replace(made, machine=self.machine, open_mail=open_mail)

    def passes(self, **length):
        self.machine.at += timedelta(**length)


@pytest.fixture
def slow(office):
    made = Slow(office.folder, office.url, office.post, office.books)
    made.machine = FixedClock(made.clock.at)
    yield made
    made.close()


def owing(office, customers):
    for number in range(1, customers + 1):
        office.books.owe(f"i{number}", f"c{number}")


def test_who_pays_while_a_mail_server_takes_its_time_is_not_asked(slow):
    owing(slow, 4)
    slow.post.answer = lambda _: slow.passes(minutes=4)
    looks = iter([lambda: None, lambda: slow.books.pay("i4")])
    slow.books.before_recheck = lambda: next(looks)()
    report = slow.run()
    assert len(slow.post.mails) == 3
    assert [(one.item_id, one.reason) for one in report.acted.dropped] == [("i4/1", SkipReason.SETTLED_MEANWHILE)]
    assert slow.books.calls.count("recheck") == 2


def test_a_quick_mail_server_needs_one_look(slow):
    owing(slow, 4)
    slow.post.answer = lambda _: slow.passes(seconds=30)
    slow.run()
    assert (len(slow.post.mails), slow.books.calls.count("recheck")) == (4, 1)


def test_files_that_take_long_keep_nobody_from_being_written_to_once(slow, monkeypatch):
    owing(slow, 6)
    slow.books.capabilities |= {Capability.INVOICE_PDF}

    def printed(ledger, invoice_id):
        slow.passes(minutes=3)
        return b"%PDF " + invoice_id.encode()

    monkeypatch.setattr(MemoryLedger, "invoice_pdf", printed, raising=False)
    ages = []
    looked = []
    slow.books.before_recheck = lambda: looked.append(slow.machine.at)
    slow.post.answer = lambda _: ages.append(slow.machine.at - looked[-1])
    slow.run()
    assert sorted(slow.post.to()) == sorted({one.email for one in slow.books.people.values()})
    assert len(slow.post.mails) == 6
    assert max(ages) <= FRESH + timedelta(minutes=3)


def test_who_slept_before_a_mail_that_was_begun_does_not_send_it(slow):
    owing(slow, 1)

    def night():
        slow.passes(hours=9)
        run(slow.desk(), TODAY)
        assert slow.statuses() == ["unknown"]

    slow.connecting = night
    with pytest.raises(AnotherRunUnderWay):
        slow.run()
    assert (slow.post.mails, slow.statuses(), slow.to_do()) == ([], ["failed"], [])
    slow.run()
    assert len(slow.post.mails) == 1


def test_nothing_goes_out_by_a_look_that_is_too_old(slow):
    owing(slow, 2)
    nap = timedelta(seconds=OLDEST_LOOK.total_seconds() / 2 + 1)
    slow.books.before_recheck = lambda: slow.passes(seconds=nap.total_seconds())
    slow.connecting = slow.books.before_recheck
    with pytest.raises(TryLater):
        slow.run()
    assert slow.post.mails == []
    slow.books.before_recheck = lambda: None
    slow.run()
    assert len(slow.post.mails) == 2
