"""What the mails of a run tell of late charges, and that a rule counts as announced only when a mail really went out."""

import pytest
from history.sample_books import COMPANY, TODAY, eur
from puntual.core.history.charges import announced_days
from puntual.core.history.database import reading
from puntual.core.receivables import Allocation, CreditKind
from worker.office import DAY, meanwhile, text_of, two_due

CHARGES = """late_charges:
  start: 2020-01-01
  approval: false
  after_payment: keep
  rules:
    - {key: interest, kind: statutory_interest}
    - {key: costs, kind: compensation}
procedures:"""


@pytest.fixture
def charging(office):
    office.rule("procedures:", CHARGES)
    return office


def announced(office, *items):
    with reading(office.engine) as conn:
        return announced_days(conn, COMPANY, items)


def test_the_first_mail_announces_and_is_remembered(charging):
    two_due(charging)
    charging.run()
    words = text_of(charging.post.mails[0])
    assert all(said in words for said in ("Cargos por demora", "Ley 3/2004", "40,00\xa0€ por factura", "no antes del 20 de mayo"))
    both = {"interest": TODAY, "costs": TODAY}
    assert announced(charging, "i1/1", "i2/1") == {"i1/1": both, "i2/1": both}


@pytest.mark.parametrize("ends", ["451 4.3.0 try later", "cut"])
def test_what_did_not_certainly_go_out_announced_nothing(charging, ends):
    charging.books.owe("i1")
    charging.post.answer = lambda _: ends
    charging.run()
    assert announced(charging, "i1/1") == {}


def test_what_was_paid_in_part_a_moment_ago_is_announced_by_the_next_mail(charging):
    charging.books.owe("i1")
    meanwhile(charging, lambda: charging.books.pay("i1", "40"))
    charging.run()
    assert ("Cargos por demora" in text_of(charging.post.mails[0]), announced(charging, "i1/1")) == (False, {})
    charging.books.allocations.append(Allocation("a1", "i1", "p1", CreditKind.PAYMENT, eur("40"), TODAY))
    charging.run(TODAY + 7 * DAY)
    assert ("Cargos por demora" in text_of(charging.post.mails[1]), announced(charging, "i1/1") != {}) == (True, True)


def test_the_mail_after_a_charge_prints_it_with_its_calculation(charging):
    charging.books.owe("i1", total="10000", late=1)
    charging.run()
    charging.run(TODAY + 7 * DAY)
    charging.run(TODAY + 21 * DAY)
    assert charging.books.charges, "nothing was charged"
    words = text_of(charging.post.mails[-1])
    assert "Compensación por costes de cobro (Ley 3/2004), factura F-i1: 40,00\xa0€" in words
    assert "Importe fijo: 40,00\xa0€" in words
    (compensation,) = [made for charge, made in charging.books.charges.values() if "40.00" in str(charge.amount)]
    assert f"Documento {compensation.number}" in words


def test_without_late_charges_in_the_policy_nothing_is_said(office):
    office.books.owe("i1")
    office.run()
    assert "Cargos por demora" not in text_of(office.post.mails[0])
