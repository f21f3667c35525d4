"""A company in a folder, as a person sets it up, and the commands as a person types them."""

import pytest
from click.testing import CliRunner
from history.sample_books import POLICY, TODAY
from puntual.core.cli.main import puntual

SECRET = "correct-horse-battery-staple"


class Desktop:
    """A folder with a policy and books in it. Whatever is typed, no traceback and no secret may be seen."""

    def __init__(self, folder):
        self.folder = folder
        self.books = folder / "books"
        self.output = ""

    def policy(self, *changes):
        text = POLICY
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / "companies").mkdir(exist_ok=True)
        (self.folder / "companies" / "acme.yaml").write_text(text, encoding="utf-8")

    def write(self, name, header, *rows):
        self.books.mkdir(exist_ok=True)
        (self.books / f"{name}.csv").write_text("\n".join([header, *rows, ""]), encoding="utf-8")

    def invoices(self, *rows):
        self.write("invoices", "number,customer,issued_on,due_date,total,currency,paid_on", *rows)

    def puntual(self, *words, code=0):
        """What the command prints, with its exit code checked."""
        done = CliRunner().invoke(puntual, [*words, "--dir", str(self.folder)])
        self.output = done.output
        assert "Traceback" not in done.output
        assert SECRET not in done.output
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code == code, done.output
        return done.output

    def on(self, *words, code=0, day=TODAY):
        return self.puntual(*words, "--on", day.isoformat(), code=code)

    def mails(self):
        return sorted(path.read_text(encoding="utf-8") for path in (self.folder / "outbox").glob("*.eml"))


@pytest.fixture
def desktop(tmp_path, monkeypatch):
    """Two customers: c1 owes F-1, one day late, and F-2, not due yet; c2 owes F-3, nine days late. The newest payment is of today."""
    monkeypatch.delenv("PUNTUAL_DATABASE", raising=False)
    monkeypatch.setenv("SMTP_PASSWORD", SECRET)
    made = Desktop(tmp_path)
    made.policy()
    made.write("customers", "id,name,email", "c1,Talleres Uno,c1@example.com", "c2,Talleres Dos,c2@example.com")
    made.invoices(
        "F-1,c1,2026-04-12,2026-05-12,100.00,EUR,",
        "F-2,c1,2026-05-01,2026-06-30,50.00,EUR,",
        "F-3,c2,2026-04-04,2026-05-04,70.00,EUR,",
    )
    made.write("payments", "id,customer,paid_on,amount,currency,invoice", f"P-1,c2,{TODAY},1.00,EUR,F-3")
    return made
