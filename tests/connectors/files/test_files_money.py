"""Payments, credit notes and allocations: what is owed, what is left over, and what happens when the files contradict each other."""

from datetime import date
from pathlib import Path

import pytest
from files.exports import Books, Read
from puntual.core.receivables import CreditKind

INVOICES = "number,customer,due_date,total\nF1,a,2026-02-01,100\nF2,a,2026-02-15,50\nF3,b,2026-02-15,70\n"


def read(folder: Path, invoices: str = INVOICES, **files: str) -> Read:
    books = Books(folder).write("invoices.csv", invoices)
    for name, text in files.items():
        books.write(f"{name}.csv", text)
    return books.read()


def test_a_payment_that_names_an_invoice_pays_it(tmp_path: Path) -> None:
    found = read(tmp_path, payments="id,customer,date,amount,invoice\np1,a,2026-02-20,60,f1\n")
    assert found.owed == {"F1": "40.00 EUR", "F2": "50.00 EUR", "F3": "70.00 EUR"}
    (allocation,) = found.allocations["F1"]
    assert (allocation.source_id, str(allocation.amount), allocation.allocated_on) == ("p1", "60.00 EUR", date(2026, 2, 20))
    assert str(found.payments["p1"].unapplied) == "0.00 EUR"
    assert found.pages[-1].last_bank_entry_on == date(2026, 2, 20)


def test_one_payment_for_several_invoices_and_what_is_left_of_it(tmp_path: Path) -> None:
    found = read(tmp_path, payments='id,date,amount,invoice\np1,2026-02-20,160,"F1, F2"\n')
    assert found.owed == {"F3": "70.00 EUR"}
    assert (found.payments["p1"].customer_id, str(found.payments["p1"].unapplied)) == ("a", "10.00 EUR")


def test_several_rows_of_one_payment_for_different_invoices(tmp_path: Path) -> None:
    found = read(tmp_path, payments="id,date,amount,invoice\np1,2026-02-20,100,F1\np1,2026-02-20,20,F2\np1,2026-02-20,20,F2\n")
    assert found.owed == {"F2": "30.00 EUR", "F3": "70.00 EUR"}
    assert found.wrong == {"payments.csv:4": "“p1” comes twice; keep one of them"}
    assert [bool(found.invoices[key].do_not_chase) for key in ("F2", "F3")] == [True, False]


def test_a_payment_for_an_invoice_that_is_no_longer_listed_is_no_credit(tmp_path: Path) -> None:
    found = read(tmp_path, payments="id,customer,date,amount,invoice\np1,a,2026-02-20,60,F0\np2,a,2026-02-20,7,\n")
    assert {key: str(one.unapplied) for key, one in found.payments.items()} == {"p1": "0.00 EUR", "p2": "7.00 EUR"}


def test_allocations_take_from_payments_and_credit_notes(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        payments="id,customer,date,amount\np1,a,2026-02-20,120\n",
        credit_notes="number,customer,date,total\nR1,a,2026-02-21,-20\n",
        allocations="invoice,payment,amount\nF1,p1,100\nF2,R1,20\nF0,p1,5\n",
    )
    assert found.owed == {"F2": "30.00 EUR", "F3": "70.00 EUR"}
    assert (str(found.payments["p1"].unapplied), str(found.credit_notes["R1"].remaining)) == ("15.00 EUR", "0.00 EUR")
    assert found.allocations["F2"][0].source_kind is CreditKind.CREDIT_NOTE


def test_too_much_allocated_is_reported_and_the_invoice_counts_as_paid(tmp_path: Path) -> None:
    found = read(tmp_path, payments="id,customer,date,amount\np1,a,2026-02-20,90\n", allocations="invoice,payment,amount\nF1,p1,120\n")
    assert "F1" not in found.owed
    assert str(found.payments["p1"].unapplied) == "0.00 EUR"
    assert "allocates more than the 90.00 EUR of p1" in found.wrong["allocations.csv:2"]
    assert "F1 has 20.00 EUR too much allocated" in found.wrong["invoices.csv:2"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("payments", "id,customer,date,amount,invoice\np1,a,2026-02-20,sixty,F1\np2,b,2026-02-20,1,F3\n"),
        ("payments", "id,customer,date,amount,currency,invoice\np1,a,2026-02-20,60,USD,F1\np2,b,2026-02-20,1,EUR,F3\n"),
        ("payments", "id,customer,date,amount,invoice\np1,a,2026-02-20,-60,F1\np2,b,2026-02-20,1,F3\n"),
        ("allocations", "invoice,payment,amount,date\nF1,p1,sixty,2026-02-20\nF3,p2,1,2026-02-20\n"),
    ],
)
def test_an_invoice_is_not_chased_while_a_payment_of_it_cannot_be_read(tmp_path: Path, name: str, text: str) -> None:
    found = read(tmp_path, **{name: text})
    assert f"{name}.csv:2" in found.invoices["F1"].do_not_chase
    assert (found.invoices["F2"].do_not_chase, found.invoices["F3"].do_not_chase) == ("", "")
    assert list(found.wrong) == [f"{name}.csv:2"]


def test_a_customer_is_not_chased_while_a_payment_of_theirs_cannot_be_read(tmp_path: Path) -> None:
    found = read(tmp_path, payments="id,customer,date,amount\np1,a,2026-02-31,60\n")
    assert {key: bool(one.do_not_chase) for key, one in found.invoices.items()} == {"F1": True, "F2": True, "F3": False}


def test_a_payment_dated_ahead_does_not_hide_the_newest_bank_entry(tmp_path: Path) -> None:
    found = read(tmp_path, payments="id,customer,date,amount\np1,a,2026-02-20,1\np2,a,2027-01-01,1\n")
    assert found.pages[-1].last_bank_entry_on == date(2026, 2, 20)


def test_void_payments_count_for_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, payments="id,customer,date,amount,invoice,status\np1,a,2026-02-20,60,F1,void\n")
    assert (found.owed["F1"], found.payments) == ("100.00 EUR", {})


def test_the_invoices_own_column_decides_and_the_payment_keeps_the_rest(tmp_path: Path) -> None:
    text = "number,customer,due_date,total,outstanding\nF1,a,2026-02-01,100,75\n"
    found = read(tmp_path, text, payments="id,customer,date,amount,invoice\np1,a,2026-02-20,60,F1\n")
    assert (found.owed, str(found.payments["p1"].unapplied)) == ({"F1": "75.00 EUR"}, "35.00 EUR")


def test_overpaid_and_negative_invoices_are_credits(tmp_path: Path) -> None:
    text = "number,customer,due_date,total,outstanding\nF1,a,2026-02-01,100,-15\nF2,a,2026-02-01,-40,-30\nF3,a,2026-02-01,9,9\n"
    books = Books(tmp_path).write("invoices.csv", text)
    found = books.read()
    assert found.owed == {"F3": "9.00 EUR"}
    assert sorted(str(credit.remaining) for credit in books.connector.recheck(["F3"]).credits) == ["15.00 EUR", "30.00 EUR"]


def test_a_settlement_below_the_total_is_as_the_company_says(tmp_path: Path) -> None:
    text = "number,customer,due_date,total,settled_on,settled_amount\nF1,a,2026-02-01,100,2026-02-10,90\nF2,a,2026-02-01,50,,\n"
    for said, owed in (("paid", {}), ("open", {"F1": "10.00 EUR"})):
        books = Books(tmp_path, {"files": {"invoices": {"short_settlement": said}}}).write("invoices.csv", text)
        assert books.read().owed == owed | {"F2": "50.00 EUR"}


def test_contacts_parents_and_wrong_references(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        customers="id,name,parent,groups,do_not_chase\na,Acme,Beta S.A.,vip; retail,\nb,Beta S.A.,,,Concurso\n",
        contacts="customer,name,email,role\nacme,Ana,ana@acme.es,Administración\nzeta,Z,z@z.es,\nb,B,b@b.es,Rey\n",
        payments="id,customer,date,amount\np1,a,2026-02-20,1\n",
    )
    acme = found.customers["a"]
    assert (acme.parent_id, acme.groups, acme.contacts[0].role.value) == ("b", ("vip", "retail"), "accounts_payable")
    assert found.customers["b"].do_not_chase == "Concurso"
    assert {where: what.split(";")[0] for where, what in found.wrong.items()} == {
        "contacts.csv:3": "there is no customer “zeta”",
        "contacts.csv:4": "the role “Rey” is not known",
    }
