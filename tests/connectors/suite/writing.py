"""Writing: what we leave in the books stands there once, exactly as given, and moves no money."""

import pytest
from harness import UNUSED_ID, Harness
from puntual.core.errors import Refused
from puntual.core.port import Capability
from suite.rules import rule
from suite.sample import a_note, a_task, able, eur, listen, many_invoices, one_invoice


@rule()
def the_same_note_twice_is_one_note(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    note, connector = a_note(ids, harness), harness.new()
    if not able(connector, Capability.NOTES, lambda: connector.put_notes([note])):
        return
    first = connector.put_notes([note])
    again, elsewhere = connector.put_notes([note]), harness.new().put_notes([note])
    assert first[note.marker]
    assert first == again == elsewhere
    assert list(harness.notes(note.invoice_id)) == [note.text]


@rule()
def the_text_of_a_note_is_kept_exactly(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    text = "Aviso «2.º»: señor Núñez, 1.250,00 € — \"mañana\"; <b>no</b> & 50 % \\ 'x'\nSegunda línea, con coma\n\nFin [PUNTUAL-1a2b]"
    note, connector = a_note(ids, harness, text=text), harness.new()
    if able(connector, Capability.NOTES, lambda: connector.put_notes([note])):
        connector.put_notes([note])
        assert list(harness.notes(note.invoice_id)) == [text]


@rule()
def a_note_moves_no_money(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    note, connector = a_note(ids, harness), harness.new()
    if able(connector, Capability.NOTES, lambda: connector.put_notes([note])):
        heard = listen(harness)
        before = heard.invoices[note.invoice_id].instalments
        connector.put_notes([note])
        heard.sync(harness.new())
        assert heard.invoices[note.invoice_id].instalments == before
        assert heard.owed(note.invoice_id) == eur("100.00")


@rule()
def many_notes_at_once(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    notes = [a_note(ids, harness, f"PUNTUAL-{n:04d}", invoice=f"m{n}") for n in range(6)]
    connector = harness.new()
    if able(connector, Capability.NOTES, lambda: connector.put_notes(notes)):
        connector.put_notes(notes[:2])
        answer = connector.put_notes(notes)
        assert set(answer) == {note.marker for note in notes}
        assert [list(harness.notes(note.invoice_id)) for note in notes] == [[note.text] for note in notes]


@rule()
def a_marker_is_not_taken_for_a_longer_one(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    long, short = a_note(ids, harness, "PUNTUAL-12"), a_note(ids, harness, "PUNTUAL-1")
    connector = harness.new()
    if able(connector, Capability.NOTES, lambda: connector.put_notes([long])):
        connector.put_notes([long])
        connector.put_notes([short])
        assert sorted(harness.notes(long.invoice_id)) == sorted([long.text, short.text])


@rule()
def a_gone_invoice_does_not_stop_the_other_notes(harness: Harness) -> None:
    ids = harness.seed(many_invoices(harness))
    gone, kept = a_note(ids, harness, "PUNTUAL-aa", invoice="m0"), a_note(ids, harness, "PUNTUAL-bb", invoice="m1")
    connector = harness.new()
    harness.delete(gone.invoice_id)
    if able(connector, Capability.NOTES, lambda: connector.put_notes([gone, kept])):
        answer = connector.put_notes([gone, kept])
        assert kept.marker in answer
        assert list(harness.notes(kept.invoice_id)) == [kept.text]
        assert gone.marker not in answer or list(harness.notes(gone.invoice_id)) == [gone.text]


@rule()
def a_crash_after_writing_still_leaves_one_note(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    note, connector = a_note(ids, harness), harness.new()
    if able(connector, Capability.NOTES, lambda: connector.put_notes([note])):
        harness.lose_next_answer()
        with pytest.raises(Exception):  # noqa: B017 -- a crash may be anything
            connector.put_notes([note])
        assert note.marker in harness.new().put_notes([note])
        assert list(harness.notes(note.invoice_id)) == [note.text]


@rule()
def the_same_task_twice_is_one_task(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    task, connector = a_task(ids, harness), harness.new()
    if able(connector, Capability.TASKS, lambda: connector.put_tasks([task])):
        first = connector.put_tasks([task])
        assert first[task.marker]
        assert first == connector.put_tasks([task]) == harness.new().put_tasks([task])
        assert list(harness.tasks(task.invoice_id)) == [f"{task.summary}\n{task.text}"]


@rule()
def a_crash_after_writing_still_leaves_one_task(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    task, connector = a_task(ids, harness), harness.new()
    if able(connector, Capability.TASKS, lambda: connector.put_tasks([task])):
        harness.lose_next_answer()
        with pytest.raises(Exception):  # noqa: B017 -- a crash may be anything
            connector.put_tasks([task])
        assert task.marker in harness.new().put_tasks([task])
        assert len(harness.tasks(task.invoice_id)) == 1


@rule()
def the_invoice_as_pdf(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    connector = harness.new()
    if able(connector, Capability.INVOICE_PDF, lambda: connector.invoice_pdf(ids.invoices["i1"])):
        assert connector.invoice_pdf(ids.invoices["i1"]).startswith(b"%PDF-")
        with pytest.raises(Refused):
            connector.invoice_pdf(UNUSED_ID)


@rule()
def the_payment_page(harness: Harness) -> None:
    ids = harness.seed(one_invoice(harness))
    invoice, connector = ids.invoices["i1"], harness.new()
    if able(connector, Capability.PAYMENT_PAGE, lambda: connector.payment_pages([invoice])):
        pages = connector.payment_pages([invoice, UNUSED_ID])
        assert set(pages) == {invoice}
        assert pages[invoice].startswith(("https://", "http://"))
        assert harness.new().payment_pages([invoice]) == pages


@rule()
def an_empty_batch_writes_nothing(harness: Harness) -> None:
    harness.seed(one_invoice(harness))
    connector = harness.new()
    before = harness.calls()
    puts = {
        Capability.NOTES: connector.put_notes,
        Capability.TASKS: connector.put_tasks,
        Capability.LATE_CHARGES: connector.put_charges,
        Capability.CREDITS: connector.put_credits,
        Capability.RECORDED_PAYMENTS: connector.put_payments,
        Capability.EXPECTED_PAYMENTS: connector.put_expected_payments,
    }
    for capability, put in puts.items():
        if able(connector, capability, lambda put=put: put([])):  # type: ignore[misc]
            assert not put([])
    assert harness.calls() == before
