"""Ways to pay in the mails of a run: made for what is outstanding then, remembered, ended when it is not owed any more."""

import builtins
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
from history.sample_books import COMPANY, TODAY, eur
from puntual.connectors.stub_server import Trouble
from puntual.core.dunning.facts import HoldKind, SkipReason
from puntual.core.errors import CompanyMustAct, LedgerUnavailable, RejectedByLedger
from puntual.core.history import audit
from puntual.core.history.books import ensure_company
from puntual.core.history.database import reading, writing
from puntual.core.history.holds import add_hold
from puntual.core.history.links import KeptLink, WhyEnded, keep_links, links_of, links_to_end, note_ended
from puntual.core.money import Money
from puntual.core.payment_links.stripe_wire import StripeWire
from puntual.core.policy.schema import PaymentDetails, PostalAddress
from puntual.core.port import Capability
from puntual.core.receivables import DocumentStatus
from puntual.core.worker import links as links_module
from puntual.core.worker.links import check_providers, no_payment_code
from qr_pictures import read_png
from worker.memory_ledger import MemoryLedger
from worker.office import DAY, level, meanwhile, text_of, two_due
from worker.shop import CODE, PAGES, STRIPE

IBAN = "ES91 2100 0418 4502 0005 1332"


def html_of(mail: EmailMessage) -> str:
    body = mail.get_body(("html",))
    assert body is not None
    return str(body.get_content())


def codes_of(mail: EmailMessage) -> list[str]:
    return [read_png(part.get_content()).text for part in mail.walk() if part.get_content_type() == "image/png"]


# --- payment codes ----------------------------------------------------------------------------------------------------------------


def test_a_mail_brings_the_payment_code_and_says_the_same_in_words(shop, office):
    two_due(office)
    shop(CODE).run()
    (mail,) = office.post.mails
    assert codes_of(mail)[0].split("\n") == [
        "BCD",
        "002",
        "1",
        "SCT",
        "",
        "Acme, S.L.",
        "ES9121000418450200051332",
        "EUR150",
        "",
        "",
        "F-i1, F-i2",
    ]
    assert [part.get_content_type() for part in mail.walk()] == [
        *("multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"),
    ]
    (image,) = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert (image.get_content_disposition(), f'src="cid:{image["Content-ID"][1:-1]}"' in html_of(mail)) == ("inline", True)
    for words in (text_of(mail), html_of(mail)):
        assert all(said in words for said in (IBAN, "150,00\xa0€", "F-i1, F-i2")), words


def test_the_code_asks_for_what_is_left_at_the_last_look(shop, office):
    office.books.owe("i1")
    meanwhile(office, lambda: office.books.pay("i1", "60.50"))
    shop(CODE).run()
    assert "\nEUR39.5\n" in codes_of(office.post.mails[0])[0]


def test_the_code_is_for_what_is_due_and_not_for_what_is_coming_up(shop, office):
    office.books.owe("i1")
    office.books.owe("i2", total="50", late=-7)
    shop(CODE).run()
    assert ["F-i1" in code and "EUR100" in code and "F-i2" not in code for code in codes_of(office.post.mails[0])] == [True]


def test_with_a_credit_there_is_no_code_because_the_amount_is_the_customers_to_say(shop, office):
    office.books.owe("i1")
    office.books.credit("k1", "c1", "20")
    shop(CODE).run()
    assert (codes_of(office.post.mails[0]), IBAN in text_of(office.post.mails[0])) == ([], True)


def test_numbers_that_do_not_fit_on_one_transfer_get_a_code_for_each_of_the_oldest(shop, office):
    for number in range(5):
        office.books.owe(f"i{number}", late=5 - number, total=f"{number + 1}0.00")
        office.books.change(f"i{number}", number=f"SERIE-{'9' * 35}-{number}")
    shop(CODE).run()
    codes = [code.split("\n") for code in codes_of(office.post.mails[0])]
    assert [(code[7], code[10][-2:]) for code in codes] == [("EUR10", "-0"), ("EUR20", "-1"), ("EUR30", "-2")]


def test_the_limits_of_the_policy_leave_the_code_out(shop, office):
    office.books.owe("i1")
    shop(CODE.model_copy(update={"max_amount": {"EUR": 99}})).run()
    assert (codes_of(office.post.mails[0]), IBAN in html_of(office.post.mails[0])) == ([], True)


# --- Stripe -----------------------------------------------------------------------------------------------------------------------


def test_the_mail_links_to_a_page_for_the_amount_of_the_last_look(shop, office, stripe):
    at = shop(STRIPE)
    office.books.owe("i1")
    meanwhile(office, lambda: office.books.pay("i1", "60.50"))
    at.run()
    assert stripe.bodies[0]["line_items[0][price_data][unit_amount]"] == "3950"
    assert all("https://buy.stripe.com/test_plink_1" in said for said in (text_of(office.post.mails[0]), html_of(office.post.mails[0])))
    assert at.kept() == [("plink_1", "39.50 EUR", None)]
    assert "links" in office.audited()


def test_the_next_notice_has_the_same_link_as_long_as_the_amount_is_the_same(shop, office):
    at = shop(STRIPE)
    office.books.owe("i1")
    at.run()
    at.run(TODAY + 7 * DAY)
    assert (len(office.post.mails), at.kept(), at.active()) == (2, [("plink_1", "100.00 EUR", None)], ["plink_1"])


def test_after_a_part_payment_the_old_link_ends_and_the_next_notice_has_another(shop, office, stripe):
    at = shop(STRIPE)
    office.books.owe("i1")
    at.run()
    office.books.pay("i1", "40")
    at.run(TODAY + DAY)
    assert (at.kept(), at.active()) == ([("plink_1", "100.00 EUR", WhyEnded.CHANGED)], [])
    assert "ha cambiado" in stripe.links["plink_1"]["inactive_message"]
    at.run(TODAY + 7 * DAY)
    assert (at.kept()[1], at.active()) == (("plink_2", "60.00 EUR", None), ["plink_2"])


@pytest.mark.parametrize(
    ("becomes", "why", "words"),
    [
        (lambda books: books.pay("i1"), WhyEnded.PAID, "ya está pagada"),
        (lambda books: books.change("i1", status=DocumentStatus.VOID), WhyEnded.VOID, "ha sido anulada"),
    ],
)
def test_what_was_paid_or_voided_makes_its_link_say_so(shop, office, stripe, becomes, why, words):
    at = shop(STRIPE)
    office.books.owe("i1")
    at.run()
    becomes(office.books)
    at.run(TODAY + DAY)
    assert (at.kept(), at.active()) == ([("plink_1", "100.00 EUR", why)], [])
    assert words in stripe.links["plink_1"]["inactive_message"]


def test_what_is_found_paid_at_the_last_look_ends_at_once(shop, office, stripe):
    at = shop(STRIPE)
    office.books.owe("i1")
    at.run()
    meanwhile(office, lambda: office.books.pay("i1"))
    at.run(TODAY + 7 * DAY)
    assert (at.kept(), at.active(), len(office.post.mails)) == ([("plink_1", "100.00 EUR", WhyEnded.PAID)], [], 1)


def test_a_link_ends_when_no_notice_had_it_for_its_days(shop, office):
    at = shop(STRIPE)
    office.books.owe("i1")
    at.run()
    office.rule("days: 8, notice: second", "days: 300, notice: second")
    for old, new in (("days: 15, channel", "days: 310, channel"), ("days: 22, notice", "days: 320, notice")):
        office.rule(old, new)
    at.run(TODAY + timedelta(days=29))
    assert at.kept() == [("plink_1", "100.00 EUR", None)]
    at.run(TODAY + timedelta(days=30))
    assert at.kept() == [("plink_1", "100.00 EUR", WhyEnded.EXPIRED)]


def test_a_provider_that_does_not_answer_stops_no_mail(shop, office, stripe):
    office.books.owe("i1")
    stripe.trouble = Trouble.RATE_LIMITED
    assert shop(STRIPE).run().acted.count("sent") == 1
    assert (IBAN in text_of(office.post.mails[0]), "stripe.com" in html_of(office.post.mails[0])) == (True, False)
    with reading(office.engine) as conn:
        (missing,) = [entry for entry in audit.entries_of(conn, COMPANY) if entry.kind == "links_missing"]
    assert "Stripe asks us to wait" in str(missing.data)


def test_a_link_that_cannot_be_ended_now_is_ended_by_the_next_run(shop, office, stripe):
    at = shop(STRIPE)
    office.books.owe("i1")
    at.run()
    office.books.pay("i1")
    stripe.trouble = Trouble.RATE_LIMITED
    at.run(TODAY + DAY)
    assert at.kept() == [("plink_1", "100.00 EUR", None)]
    stripe.mend()
    at.run(TODAY + DAY)
    assert at.kept() == [("plink_1", "100.00 EUR", WhyEnded.PAID)]


def test_a_link_that_stripe_refuses_to_end_holds_up_no_other(shop, office, stripe, monkeypatch):
    at = shop(STRIPE)
    two_due(office)
    at.run()
    first = next(iter(stripe.links))
    switch_off = StripeWire.switch_off

    def refuse(self, link_id, message):
        if link_id == first:
            raise RejectedByLedger("no")
        return switch_off(self, link_id, message)

    monkeypatch.setattr(StripeWire, "switch_off", refuse)
    office.books.pay("i1")
    office.books.pay("i2")
    at.run(TODAY + DAY)
    assert at.active() == [first]


def test_one_run_ends_a_limited_number_of_links(shop, office, monkeypatch):
    at = shop(STRIPE)
    two_due(office)
    at.run()
    monkeypatch.setattr(links_module, "MOST_ENDED", 1)
    office.books.pay("i1")
    office.books.pay("i2")
    at.run(TODAY + DAY)
    assert len(at.active()) == 1
    at.run(TODAY + DAY)
    assert at.active() == []


def test_a_key_that_stripe_does_not_accept_halts_the_run_before_anything_is_sent(shop, office, stripe):
    office.books.owe("i1")
    stripe.trouble = Trouble.UNAUTHORIZED
    with pytest.raises(CompanyMustAct, match="secret key"):
        shop(STRIPE).run()
    assert (office.post.mails, office.statuses(), level(office)) == ([], ["abandoned"], ("", 0))


def test_a_crash_after_the_link_was_made_makes_no_second_one(shop, office, stripe, monkeypatch):
    at = shop(STRIPE)
    office.books.owe("i1")

    def cut(*_):
        raise LedgerUnavailable("cut")

    with monkeypatch.context() as patched:
        patched.setattr(links_module, "keep_links", cut)
        with pytest.raises(LedgerUnavailable):
            at.run()
    at.run()
    assert (list(stripe.links), at.kept()) == (["plink_1"], [("plink_1", "100.00 EUR", None)])


# --- what is being paid already ------------------------------------------------------------------------------------------------------


def test_what_was_paid_on_its_page_is_not_chased_although_nobody_told_of_it(shop, office, stripe):
    """The delivery of Stripe is late, or was never set up; the books know nothing."""
    at = shop(STRIPE)
    office.books.owe("i1")
    at.run()
    stripe.open_page("plink_1", "complete", "paid", "succeeded")
    report = at.run(TODAY + 7 * DAY)
    assert (len(office.post.mails), level(office)) == (1, ("reminder", 1))
    assert [(one.reason, one.detail) for one in report.acted.dropped] == [
        (SkipReason.BEING_PAID, f"100.00 EUR was paid on its page on {TODAY}, and the books do not show it yet")
    ]
    assert office.audited().count("payment_told") == 1
    at.run(TODAY + 8 * DAY)
    assert [(one.amount, one.received_on) for one, _ in office.books.received.values()] == [(eur("100"), TODAY)]
    at.run(TODAY + 15 * DAY)
    assert (len(office.post.mails), at.active()) == (1, [])


def test_a_debit_that_is_under_way_is_waited_for_and_one_that_failed_is_asked_for_again(shop, office, stripe):
    at = shop(STRIPE)
    office.books.owe("i1")
    at.run()
    page = stripe.open_page("plink_1", "complete", "unpaid", "processing")
    for day in (7, 8, 9):
        report = at.run(TODAY + day * DAY)
        assert [(one.reason, one.detail) for one in report.acted.dropped] == [(SkipReason.BEING_PAID, "a payment on its page is under way")]
    assert (len(office.post.mails), office.audited().count("payment_told")) == (1, 0)
    stripe.sessions[page]["payment_intent"]["status"] = "requires_payment_method"
    office.books.last_bank_entry_on = TODAY + 12 * DAY
    assert at.run(TODAY + 12 * DAY).acted.count("sent") == 1
    assert ("plink_2" in text_of(office.post.mails[1]), at.active()) == (True, ["plink_2"])


def test_the_rest_of_a_notice_goes_out_and_asks_for_the_rest_only(shop, office, stripe):
    at = shop(STRIPE, CODE)
    two_due(office)
    at.run()
    assert "\nEUR150\n" in codes_of(office.post.mails[0])[0]
    first = next(link for link, (cents, _) in stripe.asked.items() if cents == 10_000)
    stripe.open_page(first, "complete", "unpaid", "processing")
    at.run(TODAY + 7 * DAY)
    (_, mail) = office.post.mails
    assert "\nEUR50\n" in codes_of(mail)[0]
    assert ("F-i1" in text_of(mail), "F-i2" in text_of(mail), "150,00" in text_of(mail)) == (False, True, False)


def test_what_is_held_while_its_page_is_made_is_not_sent(shop, office, monkeypatch):
    """Such as by Stripe's own delivery of its payment."""
    two_due(office)
    create = StripeWire.create

    def meanwhile_held(self, params, key):
        if params["metadata"]["puntual_invoice"] == "i2":
            with writing(office.engine) as conn:
                add_hold(conn, COMPANY, HoldKind.MANUAL, "c1", "i1", "wait", None, "ana", office.clock.now())
        return create(self, params, key)

    monkeypatch.setattr(StripeWire, "create", meanwhile_held)
    report = shop(STRIPE, CODE).run()
    assert [(one.item_id, one.reason) for one in report.acted.dropped] == [("i1/1", SkipReason.HELD)]
    (mail,) = office.post.mails
    assert ("F-i1" in text_of(mail), "\nEUR50\n" in codes_of(mail)[0]) == (False, True)


def test_what_a_credit_covers_without_what_is_being_paid_is_not_asked_for(shop, office, stripe):
    at = shop(STRIPE)
    two_due(office)
    office.books.credit("k1", "c1", "60")
    at.run()
    first = next(link for link, (cents, _) in stripe.asked.items() if cents == 10_000)
    stripe.open_page(first, "complete", "unpaid", "processing")
    dropped = at.run(TODAY + 7 * DAY).acted.dropped
    assert [(one.item_id, one.reason) for one in dropped] == [("i1/1", SkipReason.BEING_PAID), ("i2/1", SkipReason.COVERED_BY_CREDIT)]
    assert len(office.post.mails) == 1


def test_nobody_is_asked_to_call_about_what_is_being_paid(shop, office, stripe):
    at = shop(STRIPE)
    office.books.owe("i1")
    office.rule("days: 8, notice: second", "days: 8, channel: call")
    at.run()
    page = stripe.open_page("plink_1", "complete", "unpaid", "processing")
    report = at.run(TODAY + 7 * DAY)
    assert ([(one.item_id, one.reason) for one in report.acted.dropped], report.acted.tasks) == ([("i1/1", SkipReason.BEING_PAID)], 0)
    stripe.trouble = Trouble.RATE_LIMITED
    stripe.sessions[page]["payment_intent"]["status"] = "requires_payment_method"
    assert at.run(TODAY + 8 * DAY).acted.tasks == 1, "who cannot be asked keeps nothing back"


def test_what_is_being_paid_waits_where_the_page_is_the_only_way_to_pay(shop, office, stripe):
    at = shop(STRIPE, details=False)
    office.books.owe("i1")
    at.run()
    stripe.open_page("plink_1", "complete", "unpaid", "processing")
    assert [one.reason for one in at.run(TODAY + 7 * DAY).acted.dropped] == [SkipReason.BEING_PAID]


def test_after_its_payment_is_in_the_books_what_is_left_is_asked_for_with_another_link(shop, office, stripe):
    """Such as a late charge that the invoice bears since."""
    at = shop(STRIPE)
    office.books.owe("i1")
    at.run()
    stripe.open_page("plink_1", "complete", "paid", "succeeded")
    at.run(TODAY + 7 * DAY)
    office.books.owe("i1", total="140")
    at.run(TODAY + 8 * DAY)
    at.run(TODAY + 16 * DAY)
    assert [(reference, amount, why) for reference, amount, why in at.kept()] == [
        ("plink_1", "100.00 EUR", WhyEnded.CHANGED),
        ("plink_2", "40.00 EUR", None),
    ]


def test_in_shadow_nothing_is_made(shop, office, stripe):
    office.books.owe("i1")
    office.rule("mode: live", "mode: shadow")
    assert shop(STRIPE, CODE).run().rendered == 1
    assert (stripe.calls, office.post.mails) == (0, [])


# --- what must not happen ---------------------------------------------------------------------------------------------------------


def test_a_notice_that_could_not_say_how_to_pay_waits(shop, office, stripe):
    at = shop(STRIPE, details=False)
    office.books.owe("i1")
    stripe.trouble = Trouble.RATE_LIMITED
    report = at.run()
    assert (office.post.mails, level(office), [one.reason for one in report.acted.dropped]) == ([], ("", 0), ["no_payment_details"])
    stripe.mend()
    assert at.run().acted.count("sent") == 1


def test_the_pages_of_a_batch_are_one_question_to_the_ledger(shop, office, monkeypatch):
    asked = []

    def pages(self, invoice_ids):
        asked.append(sorted(invoice_ids))
        return {key: f"https://books.example.com/{key}" for key in invoice_ids}

    monkeypatch.setattr(MemoryLedger, "payment_pages", pages)
    office.books.capabilities |= {Capability.PAYMENT_PAGE}
    office.books.owe("i1", "c1")
    office.books.owe("i2", "c2")
    shop(PAGES, CODE).run()
    assert asked == [["i1", "i2"]]
    assert sorted("https://books.example.com/i1" in text_of(mail) for mail in office.post.mails) == [False, True]


# --- what the check says ----------------------------------------------------------------------------------------------------------


def test_the_check_says_why_there_is_no_payment_code(office):
    details = {
        "CHF": PaymentDetails(iban="CH5800791123000889012"),
        "EUR": PaymentDetails(iban="ES9121000418450200051332"),
        "USD": PaymentDetails(account="000123456"),
    }
    policy = office.desk().policy.model_copy(update={"payment_links": (CODE,), "payment_details": details})
    assert no_payment_code(policy) == [
        "notices show no payment code for CHF: the country of the account holder is missing, which a Swiss QR-bill needs",
        "notices show no payment code for USD: there is no standard for one",
    ]
    at = PostalAddress(postcode="2501", town="Biel", country="CH")
    whole = policy.model_copy(update={"payment_details": details | {"CHF": PaymentDetails(iban=details["CHF"].iban, address=at)}})
    assert [line[:38] for line in no_payment_code(whole)] == ["notices show no payment code for USD: "]
    assert no_payment_code(policy.model_copy(update={"payment_links": ()})) == []


def test_the_check_says_that_stripes_library_is_not_installed(shop, monkeypatch):
    importing = builtins.__import__

    def without(name, *args, **more):
        if name.endswith("stripe_wire"):
            raise ImportError(name)
        return importing(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CompanyMustAct, match="not installed") as caught:
        check_providers(shop(STRIPE).desk())
    assert "puntual[stripe]" in caught.value.hint


# --- the history of links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("office", ["sqlite", "postgresql"], indirect=True)
def test_which_links_have_to_end_and_why(office):
    now = office.clock.now()
    for number in range(1, 5):
        office.books.owe(f"i{number}")
    office.run(TODAY - 90 * DAY)
    good = KeptLink("stripe", "good", "i1/1", eur("100"), "es", now + DAY)
    links = [
        good,
        replace(good, reference="other amount", item_id="i2/1", amount=eur("90")),
        replace(good, reference="other currency", item_id="i3/1", amount=Money.of(100, "USD")),
        replace(good, reference="old", item_id="i4/1", expires_at=now),
        replace(good, reference="gone", item_id="i9/1"),
        replace(good, provider="elsewhere", amount=eur("1")),
    ]
    with writing(office.engine) as conn:
        ensure_company(conn, "other company")
        keep_links(conn, "other company", links, now)
        keep_links(conn, COMPANY, links, now)
        found = links_to_end(conn, COMPANY, ["stripe"], now, 10)
        assert {one.reference: one.why for one in found} == {
            "other amount": WhyEnded.CHANGED,
            "other currency": WhyEnded.CHANGED,
            "old": WhyEnded.EXPIRED,
            "gone": WhyEnded.VOID,
        }
        assert len(links_to_end(conn, COMPANY, ["stripe"], now, 1)) == 1
        note_ended(conn, COMPANY, found, now)
        assert links_to_end(conn, COMPANY, ["stripe"], now, 10) == []
        assert len(links_to_end(conn, "other company", ["stripe", "elsewhere"], now, 10)) == 6


def test_a_new_link_supersedes_the_one_before_it_and_the_oldest_comes_first(office):
    now = office.clock.now()
    office.run(TODAY - 90 * DAY)
    first = KeptLink("stripe", "z", "i1/1", eur("100"), "es", now + DAY)
    with writing(office.engine) as conn:
        keep_links(conn, COMPANY, [first], now)
        keep_links(conn, COMPANY, [replace(first, reference="a", amount=eur("60"))], now + DAY)
        keep_links(conn, COMPANY, [], now)
        assert [(one.reference, one.why) for one in links_of(conn, COMPANY, ["i1/1"])["i1/1"]] == [("z", WhyEnded.CHANGED), ("a", None)]
        keep_links(conn, COMPANY, [replace(first, reference="a", amount=eur("60"), expires_at=now + 9 * DAY)], now + 2 * DAY)
        assert [one.expires_at for one in links_of(conn, COMPANY, ["i1/1"])["i1/1"]] == [now + DAY, now + 9 * DAY]
