"""What Odoo does that a plain reading of its fields gets wrong, each with the books in which it shows."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from harness import Fault
from odoo.stub_harness import StubHarness, line_reference
from puntual.connectors.odoo.connector import OdooConnector
from puntual.connectors.odoo.passes import mark_of
from puntual.core.bookings import Note, Task
from puntual.core.errors import CompanyMustAct, LedgerUnavailable, PermissionMissing, Refused
from puntual.core.port import Cursor
from puntual.core.receivables import CreditKind, DocumentStatus, open_items
from suite.sample import Listener, eur, listen

DUE = date(2026, 3, 2)
ISSUED = date(2026, 2, 2)
VERSIONS = (16, 17, 18, 19)


@pytest.fixture
def version() -> int:
    return 18


@pytest.fixture
def harness(version: int) -> Iterator[StubHarness]:
    made = StubHarness(version)
    yield made
    made.close()


def _customer(harness: StubHarness, **values: Any) -> int:
    return harness.books.add_partner("Talleres Sur S.L.", is_company=True, email="sur@example.com", **values)


def _invoice(harness: StubHarness, partner: int, amount: str = "100.00", **values: Any) -> int:
    return harness.books.add_invoice(partner, [(DUE, Decimal(amount))], issued_on=ISSUED, **values)


def _owing(harness: StubHarness) -> tuple[int, int]:
    partner = _customer(harness)
    return partner, _invoice(harness, partner)


def _task(invoice: int) -> Task:
    return Task("PUNTUAL-t1", str(invoice), "1", "Llamar", "Debe 100 €\n[PUNTUAL-t1]", StubHarness.today, (str(invoice),))


# --- the clock of write_date ------------------------------------------------------------------------------------------------------


def test_a_long_transaction_is_seen_although_its_date_is_before_what_was_read(harness: StubHarness) -> None:
    partner, _known = _owing(harness)
    heard = listen(harness)
    started_at = harness.books.store.instant() - timedelta(minutes=2)
    late = _invoice(harness, partner, "7.00", started_at=started_at)
    assert heard.sync(harness.new()).owed(str(late)) == eur("7.00")


def test_the_mark_comes_from_the_servers_clock_and_not_from_ours(harness: StubHarness) -> None:
    _owing(harness)
    connector = harness.new()
    ahead = replace(connector.surroundings, now=lambda: datetime(2031, 1, 1, tzinfo=UTC))
    connector.surroundings = ahead
    low = json.loads(list(connector.changes(None))[-1].cursor)["low"]
    assert low == (harness.books.store.instant() - timedelta(minutes=10)).strftime("%Y-%m-%d %H:%M:%S")


@pytest.mark.parametrize(("newest", "mark"), [("2026-03-01 10:00:00", "2026-03-01 09:50:00"), ("", "1970-01-01 00:00:00")])
def test_a_server_that_does_not_tell_its_time_is_judged_by_its_newest_row(newest: str, mark: str) -> None:
    reader: Any = SimpleNamespace(wire=SimpleNamespace(answered_at=None), newest_write=lambda: newest)
    assert mark_of(reader, 10) == mark


def test_a_cursor_of_another_database_is_the_start_of_a_pass(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    other = json.loads(listen(harness).cursor or "")
    pages = list(harness.new().changes(Cursor(json.dumps({**other, "books": "elsewhere#1"}))))
    assert pages[0].starts_pass
    assert [each.id for page in pages for each in page.invoices] == [str(invoice)]


# --- states -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_reset_to_draft_closes_the_item_even_when_the_draft_says_paid(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    harness.books.pay(invoice, Decimal("30.00"), on=DUE)
    heard = listen(harness)
    harness.books.reset_to_draft(invoice)
    heard.sync(harness.new())
    assert heard.invoices[str(invoice)].status is DocumentStatus.DRAFT
    assert heard.owed(str(invoice)) is None


@pytest.mark.parametrize("state", ["in_payment", "paid", "reversed", "invoicing_legacy"])
def test_money_on_its_way_is_not_chased_whatever_the_residual(harness: StubHarness, state: str) -> None:
    _partner, invoice = _owing(harness)
    heard = listen(harness)
    harness.books.write_move(invoice, payment_state=state)
    assert heard.sync(harness.new()).owed(str(invoice)) is None
    assert open_items(harness.new().recheck([str(invoice)]).invoices[0]) == ()


def test_an_unknown_payment_state_is_not_chased(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    harness.books.write_move(invoice, payment_state="in_mediation")
    assert "in_mediation" in harness.new().recheck([str(invoice)]).invoices[0].do_not_chase


@pytest.mark.parametrize("version", VERSIONS)
def test_the_mark_against_reminders_is_found_in_every_version(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    harness.books.block(invoice)
    assert listen(harness).invoices[str(invoice)].do_not_chase
    assert harness.new().recheck([str(invoice)]).invoices[0].do_not_chase


@pytest.mark.parametrize("version", [19])
def test_no_followup_is_honoured_beside_blocked(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    heard = listen(harness)
    harness.books.stop_followup(invoice)
    assert heard.sync(harness.new()).invoices[str(invoice)].do_not_chase


def test_a_settled_invoice_says_when(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    heard = listen(harness)
    harness.books.pay(invoice, Decimal("40.00"), on=DUE)
    harness.books.pay(invoice, Decimal("60.00"), on=DUE + timedelta(days=3))
    assert heard.sync(harness.new()).invoices[str(invoice)].settled_on == DUE + timedelta(days=3)


# --- amounts, credits and who they belong to --------------------------------------------------------------------------------------


def test_an_exchange_difference_is_no_use_of_money(harness: StubHarness) -> None:
    partner, invoice = _owing(harness)
    line = harness.books.add_payment(partner, Decimal("5.00"), on=DUE)
    with harness.books.store.transaction():
        debit = harness.books.term_lines(invoice)[0]["id"]
        zero = {"amount": Decimal("1.20"), "debit_amount_currency": Decimal(0), "credit_amount_currency": Decimal(0), "max_date": DUE}
        harness.books.store.insert("account.partial.reconcile", {"debit_move_id": debit, "credit_move_id": line, **zero})
    assert listen(harness).allocated(str(invoice)) == {}


@pytest.mark.parametrize("version", [16, 18])
def test_a_credit_booked_on_a_contact_is_its_customers(harness: StubHarness) -> None:
    partner, invoice = _owing(harness)
    person = harness.books.add_partner("Ana", parent_id=partner)
    line = harness.books.add_payment(person, Decimal("12.00"), on=DUE)
    assert listen(harness).payments[line_reference(line)].customer_id == str(partner)
    credit = harness.new().recheck([str(invoice)]).credits[0]
    assert (credit.customer_id, credit.kind, credit.remaining) == (str(partner), CreditKind.PAYMENT, eur("12.00"))


def test_an_invoice_that_cannot_be_read_is_told_to_people_and_stops_nothing(harness: StubHarness) -> None:
    partner, good = _owing(harness)
    bad = _invoice(harness, partner)
    with harness.books.store.transaction():
        strange = harness.books.store.insert("res.currency", {"name": "Puntos", "active": True})
        harness.books.store.update("account.move", harness.books.store.get("account.move", bad) or {}, {"currency_id": strange["id"]})
    heard = listen(harness)
    problems = [problem for page in heard.pages for problem in page.problems]
    assert (list(heard.invoices), [f"(id {bad})" in problem.where for problem in problems]) == ([str(good)], [True])
    assert [invoice.id for invoice in harness.new().recheck([str(good), str(bad)]).invoices] == [str(good)]


def test_a_payment_or_credit_note_that_is_taken_back_leaves_nothing_to_use(harness: StubHarness) -> None:
    partner, invoice = _owing(harness)
    line = harness.books.add_payment(partner, Decimal("12.00"), on=DUE)
    note = _invoice(harness, partner, "8.00", move_type="out_refund")
    heard = listen(harness)
    row = harness.books.store.get("account.move.line", line) or {}
    harness.books.reset_to_draft(row["move_id"])
    harness.books.cancel(note)
    heard.sync(harness.new())
    assert (heard.payments[line_reference(line)].unapplied, heard.credit_notes[str(note)].remaining) == (eur("0"), eur("0"))
    assert harness.new().recheck([str(invoice)]).credits == ()


# --- people -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_new_address_is_told_although_no_invoice_moves(harness: StubHarness) -> None:
    partner, _invoice_id = _owing(harness)
    person = harness.books.add_partner("Ana", parent_id=partner, type="invoice")
    heard = listen(harness)
    harness.books.write_partner(person, phone="+34 600 000 000")
    assert heard.sync(harness.new()).customers[str(partner)].contacts[0].phone == "+34 600 000 000"


def test_an_archived_customer_still_owes_and_archived_people_are_not_written_to(harness: StubHarness) -> None:
    partner, invoice = _owing(harness)
    harness.books.add_partner("Ana", parent_id=partner, active=False)
    harness.books.add_partner("Almacén", parent_id=partner, type="delivery", email="almacen@example.com")
    harness.books.write_partner(partner, active=False)
    heard = listen(harness)
    assert heard.owed(str(invoice)) == eur("100.00")
    assert heard.customers[str(partner)].contacts == ()


def test_what_colleagues_did_by_hand_counts_and_nothing_else(harness: StubHarness) -> None:
    partner, invoice = _owing(harness)
    books = harness.books
    at = datetime(2026, 3, 17, 23, 30)
    theirs = books.add_partner("Ana", parent_id=partner)
    books.message(books.admin, move=invoice, at=at)
    books.message(books.admin, partner=partner, note=True, at=at)
    books.call_done(books.admin, invoice, at=at)
    books.message(books.bot, move=invoice, at=at)
    books.message(books.admin, move=invoice, kind="notification", at=at)
    books.message(books.admin, move=invoice, at=at - timedelta(days=90))
    with books.store.transaction():
        reply = {"model": "account.move", "res_id": invoice, "message_type": "email", "author_id": theirs, "date": at}
        books.store.insert("mail.message", reply)
    told = [(made.how, made.invoice_id, made.customer_id, made.made_on) for made in listen(harness).contacts_made]
    day = date(2026, 3, 18)
    assert told == [(how, on, str(partner), day) for how, on in (("email", str(invoice)), ("note", ""), ("call", str(invoice)))]


def test_a_contact_after_the_cursor_is_told_once(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    heard = listen(harness)
    harness.books.message(harness.books.admin, move=invoice, note=True)
    heard.sync(harness.new())
    assert [made.how for made in heard.contacts_made] == ["note"]


# --- writing ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_that_was_made_is_not_asked_for_again(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    made = harness.new().put_tasks([_task(invoice)])
    harness.books.finish_activity(int(made["PUNTUAL-t1"]), harness.books.admin)
    again = harness.new().put_tasks([_task(invoice)])
    assert again == made if harness.books.version == 19 else again["PUNTUAL-t1"].startswith("mail.message,")
    assert harness.server.methods["account.move.activity_schedule"] == 1


@pytest.mark.parametrize("version", VERSIONS)
def test_a_call_is_for_the_salesperson_or_for_the_person_that_is_named(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    ana = harness.books.add_user("ana@example.com")
    harness.new().put_tasks([_task(invoice)])
    harness.new(call_task_user="ana@example.com").put_tasks([replace(_task(invoice), marker="PUNTUAL-t2", text="PUNTUAL-t2")])
    assert [row["user_id"] for row in harness.books.store.rows("mail.activity")] == [harness.books.admin, ana]
    assert harness.books.outbox == []
    with pytest.raises(CompanyMustAct, match=r"nobody@example\.com"):
        harness.new(call_task_user="nobody@example.com").put_tasks([replace(_task(invoice), marker="PUNTUAL-t3")])


def test_a_note_is_internal_and_looks_like_text(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    harness.new().put_notes([Note("PUNTUAL-n1", str(invoice), "1", "a <b>\n[PUNTUAL-n1]", harness.today)])
    row = harness.books.store.by("mail.message", "res_id", invoice)[0]
    assert (row["body"], row["is_internal"], row["subtype_id"]) == ("<p>a &lt;b&gt;<br>[PUNTUAL-n1]</p>", True, 2)


def test_one_note_that_is_refused_does_not_keep_back_the_others(harness: StubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    partner, kept = _owing(harness)
    gone = _invoice(harness, partner)
    notes = [Note(f"PUNTUAL-{key}", str(key), str(partner), f"[PUNTUAL-{key}]", harness.today) for key in (gone, kept)]
    connector = harness.new()
    monkeypatch.setattr(connector._reader, "salespeople", lambda ids: dict.fromkeys(ids, 0))
    harness.books.unlink(gone)
    assert set(connector.put_notes(notes)) == {f"PUNTUAL-{kept}"}


def test_our_notes_do_not_wake_our_own_reading(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    heard = listen(harness)
    harness.new().put_notes([Note("PUNTUAL-n1", str(invoice), "1", "[PUNTUAL-n1]", harness.today)])
    pages = list(harness.new().changes(heard.cursor))
    assert [(page.invoices, page.contacts_made) for page in pages] == [((), ())]


# --- the portal -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_page_carries_the_public_address_and_is_made_once(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    first = harness.new(public_url="https://portal.example.com").payment_pages([str(invoice)])[str(invoice)]
    assert first.startswith(f"https://portal.example.com/my/invoices/{invoice}?access_token=")
    assert listen(harness).invoices[str(invoice)].page_url.endswith(first.removeprefix("https://portal.example.com"))
    harness.new().payment_pages([str(invoice)])
    assert harness.server.methods["account.move.get_portal_url"] == 1


@pytest.mark.parametrize("version", [17, 18, 19])
def test_no_proforma_is_sent_in_place_of_the_invoice(harness: StubHarness) -> None:
    _partner, invoice = _owing(harness)
    with pytest.raises(Refused, match="no PDF yet"):
        harness.new().invoice_pdf(str(invoice))
    harness.books.print_invoice(invoice)
    assert harness.new().invoice_pdf(str(invoice)).startswith(b"%PDF-")


@pytest.mark.parametrize("content", ["UEsDBAo=", "no base64!"])
def test_an_archive_or_rubbish_in_place_of_the_pdf_is_refused(harness: StubHarness, content: str) -> None:
    _partner, invoice = _owing(harness)
    harness.books.write_move(invoice, invoice_pdf_report_file=content)
    with pytest.raises(Refused):
        harness.new().invoice_pdf(str(invoice))


@pytest.mark.parametrize("version", [16])
def test_a_web_page_in_place_of_the_pdf_is_refused(harness: StubHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    _partner, invoice = _owing(harness)
    connector = harness.new()
    monkeypatch.setattr(connector, "_portal_paths", lambda ids: dict.fromkeys(ids, f"/my/invoices/{invoice}?access_token=wrong"))
    with pytest.raises(Refused, match="303"):
        connector.invoice_pdf(str(invoice))


def test_drafts_and_credit_notes_have_no_page(harness: StubHarness) -> None:
    partner = _customer(harness)
    draft, note = _invoice(harness, partner, post=False), _invoice(harness, partner, move_type="out_refund")
    assert harness.new().payment_pages([str(draft), str(note)]) == {}


# --- companies and rights ---------------------------------------------------------------------------------------------------------


def _second_company(harness: StubHarness) -> int:
    with harness.books.store.transaction():
        row = harness.books.store.insert("res.company", {"name": "Otra S.A.", "currency_id": 1, "partner_id": 1})
        harness.books.store.update(
            "res.users", harness.books.store.get("res.users", harness.books.bot) or {}, {"company_ids": [1, row["id"]]}
        )
    return int(row["id"])


def test_the_books_of_another_company_are_never_mixed_in(harness: StubHarness) -> None:
    partner, own = _owing(harness)
    other = _second_company(harness)
    foreign = _invoice(harness, partner, company_id=other)
    with pytest.raises(CompanyMustAct, match="company_id"):
        harness.new().check()
    assert [each.id for page in harness.new(company_id=1).changes(None) for each in page.invoices] == [str(own)]
    assert harness.new(company_id=1).recheck([str(foreign)]).invoices == ()
    with pytest.raises(CompanyMustAct, match="may not see the company 9"):
        harness.new(company_id=9).check()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_missing_right_names_the_group(harness: StubHarness) -> None:
    user = harness.books.store.get("res.users", harness.books.bot) or {}
    user["groups_id" if harness.books.version < 19 else "group_ids"] = [1]
    with pytest.raises(PermissionMissing, match=r"Invoicing \(account\.group_account_invoice\)"):
        harness.new().check()


def test_a_bot_without_an_address_is_told_at_the_check(harness: StubHarness) -> None:
    user = harness.books.store.get("res.users", harness.books.bot) or {}
    harness.books.write_partner(user["partner_id"], email=False)
    with pytest.raises(PermissionMissing, match="e-mail"):
        harness.new().check()


@pytest.mark.parametrize("version", VERSIONS)
def test_the_check_says_what_was_found(harness: StubHarness) -> None:
    company = harness.new().check()
    assert (company.name, company.country, company.currency, company.time_zone) == ("Puntual Pruebas S.L.", "ES", "EUR", "Europe/Madrid")
    assert company.ledger_version.startswith(str(harness.books.version))


# --- a pass that is interrupted ---------------------------------------------------------------------------------------------------


def test_an_interrupted_pass_goes_on_where_it_was_and_keeps_its_mark(harness: StubHarness) -> None:
    partner = _customer(harness)
    for _each in range(7):
        _invoice(harness, partner)
    connector: OdooConnector = harness.new()
    pages = connector.changes(None)
    heard = Listener().take([next(pages), next(pages)])
    harness.break_wire(Fault.BAD_GATEWAY)
    with pytest.raises(LedgerUnavailable):
        next(pages)
    harness.mend_wire()
    last, ended, *since = harness.new().changes(heard.cursor)
    assert [page.starts_pass for page in (last, ended)] == [False, False]
    assert [len(page.invoices) for page in (last, ended)] == [1, 0]
    assert json.loads(ended.cursor)["low"] == json.loads(heard.cursor or "")["mark"]
    assert {invoice.id for page in since for invoice in page.invoices} <= {*heard.invoices, *(one.id for one in last.invoices)}
