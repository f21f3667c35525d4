"""Who slept while it wrote into the books writes nothing more: another run may have the company by then."""

from dataclasses import replace
from datetime import timedelta

import pytest
from history.sample_books import TODAY
from puntual.core.errors import AnotherRunUnderWay, StoppedEarly
from puntual.core.history.runs import LEASE, renew_lease
from puntual.core.worker import lease as lease_module
from puntual.core.worker.clock import FixedClock
from puntual.core.worker.lease import leased
from puntual.core.worker.run import run
from worker.charge_office import FEE, charging, written
from worker.memory_ledger import MemoryLedger
from worker.office import Office

NIGHT = timedelta(hours=9)


class Sleeping(Office):
    """Its machine sleeps after the first entry of a kind that the first run writes, and another run does the work meanwhile."""

    machine = FixedClock(None)
    nap_after = ""

    def desk(self):
        made = replace(super().desk(), machine=self.machine)
        if not self.nap_after:
            return made
        name, self.nap_after = self.nap_after, ""
        return replace(made, open_ledger=lambda: self._napping(name))

    def _napping(self, name):
        ledger = MemoryLedger(self.books)
        add = getattr(ledger, name)

        def add_and_sleep(*more):
            done = add(*more)
            setattr(ledger, name, add)
            self.machine.at += NIGHT
            run(self.desk(), TODAY)
            return done

        setattr(ledger, name, add_and_sleep)
        return ledger


@pytest.fixture
def sleeping(office):
    made = Sleeping(office.folder, office.url, office.post, office.books)
    made.machine = FixedClock(made.clock.at)
    yield made
    made.close()


def test_no_charge_is_written_twice_by_who_slept_between_two(sleeping):
    for number in range(3):
        sleeping.books.owe(f"i{number}", late=5)
    charging(sleeping, FEE)
    sleeping.nap_after = "_add_charge"
    with pytest.raises(AnotherRunUnderWay):
        sleeping.run()
    assert sleeping.books.calls.count("charges") == 3
    assert [charge.invoice_id for charge in written(sleeping)] == ["i0", "i1", "i2"]
    assert sleeping.audited().count("charge_made") == 3


def test_no_note_is_taken_for_written_by_who_slept(sleeping):
    sleeping.books.owe("i1")
    sleeping.books.owe("i2", "c2")
    sleeping.nap_after = "_add_notes"
    with pytest.raises(AnotherRunUnderWay):
        sleeping.run()
    assert (len(sleeping.books.writes), len(set(sleeping.books.writes))) == (2, 2)
    assert sleeping.run().written.notes == 0


def test_a_page_that_was_read_before_a_sleep_is_not_stored_after_it(sleeping):
    sleeping.books.owe("i1")
    sleeping.run()
    read = MemoryLedger.changes
    sleeping.books.change("i1", reference="as it was")
    with pytest.MonkeyPatch.context() as patched:

        def asleep(ledger, cursor):
            pages = list(read(ledger, cursor))
            patched.setattr(MemoryLedger, "changes", read)
            sleeping.machine.at += NIGHT
            sleeping.books.pay("i1")
            run(sleeping.desk(), TODAY)
            return iter(pages)

        patched.setattr(MemoryLedger, "changes", asleep)
        with pytest.raises(AnotherRunUnderWay):
            sleeping.run()
    assert sleeping.run().plan.actions == ()


def test_a_lease_is_made_sure_of_now_and_then_and_not_each_time(sleeping):
    with leased(sleeping.desk()) as ours:
        begun = ours.kept_at
        sleeping.machine.at += LEASE / 5
        ours.hold()
        assert ours.kept_at == begun
        sleeping.machine.at += LEASE / 5
        ours.hold()
        assert ours.kept_at == sleeping.machine.at
        sleeping.machine.at += LEASE
        with pytest.raises(AnotherRunUnderWay):
            ours.hold()


def test_who_sleeps_over_making_sure_of_the_lease_does_so_again(sleeping, monkeypatch):
    with leased(sleeping.desk()) as ours:
        sleeping.machine.at += LEASE / 2
        renewed = []

        def asleep(*asked):
            renewed.append(renew_lease(*asked))
            if len(renewed) == 1:
                sleeping.machine.at += NIGHT
            return renewed[-1]

        monkeypatch.setattr(lease_module, "renew_lease", asleep)
        with pytest.raises(AnotherRunUnderWay):
            ours.hold()
    assert renewed == [True, False]


def test_who_is_to_stop_finishes_what_it_is_at(sleeping):
    desk = sleeping.desk()

    def stop():
        raise StoppedEarly("The worker is stopping.")

    desk.breathe = stop
    with leased(desk) as ours:
        sleeping.machine.at += LEASE / 2
        ours.hold()
        with pytest.raises(StoppedEarly):
            ours.keep()
