"""run, end to end: books in memory, mail over SMTP on loopback, history in a database."""

import pytest

BOTH = pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)


@BOTH
def test_a_first_run_sends_each_customer_one_mail_leaves_notes_and_a_second_run_does_nothing(office):
    office.books.owe("i1", "c1")
    office.books.owe("i2", "c1", late=3)
    office.books.owe("i3", "c2", late=9)
    office.books.owe("i4", "c3", late=-20)
    report = office.run()
    assert sorted(office.post.to()) == ["c1@example.com", "c2@example.com"]
    assert (report.exit_code, report.written.notes, office.statuses()) == (0, 3, ["sent", "sent"])
    assert sorted(note.invoice_id for note in office.books.notes.values()) == ["i1", "i2", "i3"]
    again = office.run()
    assert (again.plan.actions, again.exit_code, len(office.post.mails), len(office.books.writes)) == ((), 0, 2, 3)
    assert office.audited()[-1] == "run"
