"""What a company's own people are told, in their language, once for each slot, by the company's own mail."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hosting.street import POLICY, Street
from hosting.watched import Watched, text_of
from hypothesis import given
from hypothesis import strategies as st
from puntual.core.dunning.facts import HoldKind
from puntual.core.errors import AuthorizationExpired
from puntual.core.history.credits import CreditFor
from puntual.core.history.database import reading, writing
from puntual.core.history.doings import charges_made, credits_made, paid_between, payments_recorded, sent_by_level
from puntual.core.history.work import WorkItem, put_on_list
from puntual.core.hosting import digesting, letters
from puntual.core.hosting.background import guarded
from puntual.core.hosting.digest import Period, digest_letter, last_slot
from puntual.core.policy.digest_schema import Digest, Every
from puntual.core.policy.schedule_schema import Weekday
from puntual.core.worker.people import hold

BOTH = pytest.mark.parametrize("street", ["sqlite", "postgresql"], indirect=True)
DAILY = "digest: {to: [ana@acme.example], at: 08:00}\n"
HOUR = timedelta(hours=1)


def company(street: Street, digest: str = DAILY, *changes: tuple[str, str], zone: str = "Europe/Madrid") -> Watched:
    """One company with two customers that are due on Monday, when it runs at 09:30 of its zone."""
    street.company("acme", zone, a1=("2026-11-18", "1250.00"), a2=("2026-11-19", "50.00"))
    text = POLICY.format(name="acme", zone=zone)
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    street.policy("acme", text + digest)
    street.host.look_around()
    return Watched(street, step=HOUR)


def digests(watched: Watched) -> list[str]:
    return [text_of(mail) for mail in watched.mails("outbox/acme") if not mail["To"].endswith("@example.com")]


def when(watched: Watched) -> list[str]:
    return [f"{mail['Date'].datetime:%a %H}" for mail in watched.mails("outbox/acme") if not mail["To"].endswith("@example.com")]


@BOTH
def test_what_was_sent_is_said_the_morning_after_and_once(street):
    watched = company(street)
    watched.go(hours=24)
    assert digests(watched) == []
    watched.go(hours=4)
    (told,) = digests(watched)
    assert "Lo que Puntual ha hecho por acme 23 nov 2026" in told
    assert "2 avisos, nivel «reminder» 1.300,00 €" in told
    assert "Ningún cobro" in told
    (mail,) = [mail for mail in watched.mails("outbox/acme") if mail["To"] == "ana@acme.example"]
    assert (mail["From"], mail["Subject"], mail["Content-Language"]) == (
        "cobros@acme.example",
        "acme: resumen diario de sus facturas",
        "es",
    )
    watched.go(hours=24)
    assert len(digests(watched)) == 2
    assert "No se ha enviado nada." in digests(watched)[1]


def test_the_language_is_the_companys_and_english_where_there_is_no_other(street):
    watched = company(street, DAILY, ("es_ES", "en_GB"))
    watched.go(hours=28)
    assert "2 notices, level “reminder” €1,300.00" in digests(watched)[0]


def test_day_hour_and_zone_are_the_policys(street):
    watched = company(
        street, "digest: {to: [ana@acme.example, luis@acme.example], every: weekly, day: wed, at: 07:00}\n", zone="Asia/Tokyo"
    )
    watched.go(hours=90)
    assert when(watched) == ["Tue 22", "Tue 22"]
    assert all("resumen semanal" in mail["Subject"] for mail in watched.mails("outbox/acme") if "acme" in mail["To"])


def test_without_the_section_nobody_gets_one(street):
    watched = company(street, "")
    watched.go(hours=28)
    assert digests(watched) == []


def test_who_names_a_digest_later_gets_it_at_the_next_slot(street):
    watched = company(street, "")
    watched.go(hours=8)
    street.policy("acme", POLICY.format(name="acme", zone="Europe/Madrid") + DAILY)
    watched.go(hours=14)
    assert digests(watched) == []
    watched.go(hours=5)
    assert when(watched) == ["Tue 07"]


@BOTH
def test_several_workers_and_restarts_send_it_once(street):
    company(street)
    three = Watched(street, workers=3, step=HOUR)
    three.go(hours=26)
    street.start()
    street.host.look_around()
    again = Watched(street, workers=2, step=HOUR)
    again.go(hours=3)
    assert when(again) == ["Tue 07"]


def test_a_host_that_was_down_sends_one_digest_of_all_it_missed(street):
    watched = company(street)
    watched.go(hours=20)
    street.clock.at += timedelta(days=3)
    watched.go(hours=2)
    (told,) = digests(watched)
    assert "2 avisos" in told
    assert "23 nov 2026 – 25 nov 2026" in told


def test_a_copy_that_was_taken_is_not_sent_again_with_the_one_that_was_not(street, monkeypatch):
    watched = company(street, "digest: {to: [ana@acme.example, luis@acme.example, old@acme.example], at: 08:00}\n")
    tried: list[str] = []

    def send_all(letter, recipients, transport, at):
        tried.extend(recipients)
        fates = {to: letters.Fate(True, True) for to in recipients}
        if "luis@acme.example" in fates and tried.count("luis@acme.example") < 3:
            fates["luis@acme.example"] = letters.Fate(False, False, "failed: 450 come again")
        if "old@acme.example" in fates:
            fates["old@acme.example"] = letters.Fate(False, True, "rejected: 550 no such user")
        return fates

    monkeypatch.setattr(digesting, "send_all", send_all)
    watched.go(hours=30)
    assert sorted(tried) == ["ana@acme.example"] + ["luis@acme.example"] * 3 + ["old@acme.example"]


def test_a_broken_companys_digest_keeps_nobody_from_theirs(street, monkeypatch):
    watched = company(street)
    street.company("bad", b1=("2026-11-18", "10.00"))
    street.policy("bad", POLICY.format(name="bad", zone="Europe/Madrid") + DAILY)
    real = digesting.digest_letter

    def made(desk, *more):
        if desk.company == "bad":
            raise AuthorizationExpired("x")
        return real(desk, *more)

    monkeypatch.setattr(digesting, "digest_letter", made)
    watched.watches[0]._post = guarded
    watched.go(hours=27)
    assert when(watched) == ["Tue 07"]


def test_what_waits_for_people_is_listed_with_what_to_do(street):
    watched = company(street, DAILY, ("mode: live", "mode: approve"))
    watched.go(hours=6)
    desk = street.roster.desk("acme")
    hold(desk, HoldKind.PROMISE, "a2", "", "said so", date(2026, 11, 25), "eva", desk.today())
    with writing(street.engine) as conn:
        put_on_list(conn, "acme", WorkItem("77aa", "rejected", "a1 S.L.", "The address refuses mail", "…", date(2026, 11, 20)), desk.now())
        put_on_list(conn, "acme", WorkItem("88bb", "unknown", "", "Nobody knows", "…", date(2026, 11, 21)), desk.now())
        put_on_list(conn, "acme", WorkItem("99cc", "call", "", "Llamar a a1 S.L.", "…", date(2026, 11, 22)), desk.now())
    watched.go(hours=22)
    (told,) = digests(watched)
    assert "A la espera de su visto bueno ---" in told
    assert "a1 S.L., nivel «reminder»: 1.250,00 € puntual approve acme" in told
    assert "a2 S.L., factura a2: anunciado para el 25 nov 2026" in told
    assert "Por hacer (3)" in told
    assert "Corregir una dirección que rechaza el correo (a1 S.L.) (20 nov 2026) puntual done acme 77aa" in told
    assert "puntual resolve acme 88bb sent | not-sent" in told
    assert "Llamar a a1 S.L. (22 nov 2026)" in told
    assert "con pago anunciado 1" in told


def test_what_is_in_the_way_is_said_in_the_companys_words(street):
    watched = company(street)
    watched.go(hours=6)
    street.trouble["acme"] = AuthorizationExpired("The connection was taken back.", hint="puntual connect acme")
    watched.go(hours=22)
    (told,) = digests(watched)
    assert "Lo que impide avanzar" in told
    assert "La conexión con su contabilidad ha terminado; alguien tiene que volver a conectarla. The connection was taken back." in told
    assert "puntual status acme" in told


def test_amounts_of_two_currencies_are_never_added_up(street):
    watched = company(street)
    books = street.folder / "books" / "acme" / "invoices.csv"
    lines = books.read_text(encoding="utf-8").splitlines()
    rows = [
        lines[0] + ",currency",
        *(line + ",EUR" for line in lines[1:]),
        "u1,a1 S.L.,a1@example.com,2026-10-20,2026-11-18,70.00,70.00,USD",
    ]
    books.write_text("\n".join([*rows, ""]), encoding="utf-8")
    text = POLICY.format(name="acme", zone="Europe/Madrid").replace("payment_details: {", "payment_details: {USD: {account: '12345'}, ")
    street.policy("acme", text + DAILY)
    watched.go(hours=28)
    assert "2 avisos, nivel «reminder» 1.300,00 € y 70,00 US$" in digests(watched)[0]


def test_no_markup_and_no_line_of_the_books_gets_into_the_letter(street):
    watched = company(street, DAILY, ("mode: live", "mode: approve"))
    books = street.folder / "books" / "acme" / "invoices.csv"
    nasty = '"<img src=x> Bcc: all@example.com",x@example.com'
    books.write_text(books.read_text(encoding="utf-8").replace("a1 S.L.,a1@example.com", nasty), encoding="utf-8")
    watched.go(hours=20)
    desk = street.roster.desk("acme")
    period = Period(desk.now() - timedelta(days=1), desk.now(), "Europe/Madrid")
    letter = digest_letter(desk, desk.policy.digest, period)
    assert "<img" not in letter.rendered.html
    assert "&lt;img src=x&gt;" in letter.rendered.html
    assert "<img src=x>" in letter.rendered.text
    assert "\n" not in letter.rendered.subject


@BOTH
def test_what_was_done_is_counted_by_the_slot_it_belongs_to(street):
    watched = company(street)
    watched.go(hours=4)
    now = street.clock.now()
    books = street.folder / "books" / "acme" / "invoices.csv"
    head, first, second, *_ = books.read_text(encoding="utf-8").splitlines()
    paid = first.replace(",1250.00,1250.00", ",1250.00,0.00,2026-11-23")
    books.write_text("\n".join([head + ",paid_on", paid, second + ",", ""]), encoding="utf-8")
    watched.go(hours=2)
    with reading(street.engine) as conn:
        sent = sent_by_level(conn, "acme", now - 3 * HOUR, now)
        assert {level: (deeds.count, [str(one) for one in deeds.sums]) for level, deeds in sent.items()} == {
            "reminder": (2, ["1300.00 EUR"])
        }
        assert sent_by_level(conn, "acme", now, now + HOUR) == sent_by_level(conn, "other", now - 3 * HOUR, now) == {}
        on = date(2026, 11, 23)
        assert [str(one) for one in paid_between(conn, "acme", on, on).sums] == ["1250.00 EUR"]
        assert paid_between(conn, "acme", date(2026, 11, 24), date(2026, 11, 30)).count == 0
        assert charges_made(conn, "acme", on, on).count == payments_recorded(conn, "acme", now - HOUR, now).count == 0
        assert credits_made(conn, "acme", CreditFor.DISCOUNT, now - HOUR, now).sums == ()


def a_digest(every: Every, at: time, day: Weekday | None = None) -> Digest:
    return Digest(to=("ana@acme.example",), every=every, at=at, day=day)


@given(
    st.sampled_from(Every),
    st.sampled_from([None, *Weekday]),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(["Europe/Madrid", "America/Mexico_City", "Pacific/Auckland", "UTC"]),
)
def test_the_last_slot_is_the_last(every, day, at, now, zone):
    digest = a_digest(every, at, day if every is Every.WEEKLY else None)
    slot = last_slot(digest, zone, now)
    there = slot.astimezone(ZoneInfo(zone))
    assert timedelta(0) <= now - slot <= (timedelta(days=7) if every is Every.WEEKLY else timedelta(days=1)) + HOUR
    assert abs((there.hour * 60 + there.minute) - (at.hour * 60 + at.minute)) in (0, 60, 1380)
    assert every is Every.DAILY or there.weekday() == list(Weekday).index(day or Weekday.MON)
    assert last_slot(digest, zone, slot) == slot
