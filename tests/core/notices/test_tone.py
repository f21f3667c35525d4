"""The tone check of docs/sources.md, and that our own words pass it."""

import pytest
from notice_cases import policy, shipped
from puntual.core.notices.check import check_templates, notices_of
from puntual.core.notices.render import Renderer
from puntual.core.notices.tone import Severity, check_tone
from puntual.core.policy.schema import NoticeKind

REMINDER = NoticeKind.REMINDER


def verdicts(text: str, language: str = "es", notice: NoticeKind = REMINDER, **options: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(finding.severity.value, finding.quote) for finding in check_tone(text, language, notice, **options)]


@pytest.mark.parametrize(
    ("language", "text", "quote", "why"),
    [
        ("es", "Usted no ha cumplido con su obligación.", "no ha cumplido", "blames"),
        ("es", "No HAS PAGADO la factura.", "No HAS PAGADO", "blames"),
        ("es", "a pesar de nuestros\n  reiterados avisos", "a pesar de nuestros reiterados", "blames"),
        ("es", "Eso no es nuestra culpa.", "no es nuestra culpa", "defends"),
        ("es", "Así es como funciona nuestra facturación.", "Así es como funciona nuestra facturación", "defends"),
        ("es", "Deberias haberlo sabido.", "Deberias haberlo sabido", "talks down"),
        ("es", "Como usted bien sabe, venció ayer.", "Como usted bien sabe", "talks down"),
        ("es", "Lo pasaremos a nuestro abogado.", "abogado", "threatens before the final notice"),
        ("es", "Iniciaremos acciones legales.", "acciones legales", "threatens before the final notice"),
        ("es", "Está claro que no quiere pagar.", "no quiere pagar", "intends"),
        ("en", "You failed to pay.", "You failed", "blames"),
        ("en", "You haven't paid.", "You haven't paid", "blames"),
        ("en", "That is not our fault.", "That is not our fault", "defends"),
        ("en", "You should have known.", "You should have known", "talks down"),
        ("en", "We will hand this to a collection agency.", "collection agency", "threatens before the final notice"),
        ("en-GB", "This is bad faith.", "bad faith", "intends"),
    ],
)
def test_harmful_phrases_are_refused_with_what_to_write_instead(language: str, text: str, quote: str, why: str) -> None:
    (found, *_) = [finding for finding in check_tone(text, language, REMINDER) if finding.severity is Severity.REFUSE]
    assert found.quote == quote
    assert why in found.why
    assert found.suggestion


@pytest.mark.parametrize(
    "text",
    [
        "Hemos visto que la factura 1234, de 1.250,00 €, venció ayer (12 de mayo); si ya ha enviado el pago, ignore este mensaje.",
        "¿Podría decirnos cuándo prevé el pago? Quizá se haya pasado por alto.",
        "El importe demandado por el mercado y la tribunalicia no son palabras de la lista.",
        "IBAN ES91 2100 0418 4502 0005 1332, BIC CAIXESBBXXX9, SEPA, NIF B12345678, IVA, EUR 20, factura FAC-2025-01, FRA/7, S.L.",
    ],
)
def test_courteous_and_factual_words_pass(text: str) -> None:
    assert check_tone(text, "es", REMINDER) == []


def test_loud_writing_is_a_warning_in_the_order_of_the_text() -> None:
    assert verdicts("¡PAGUE ya! Es URGENTE") == [("warn", "¡PAGUE ya!"), ("warn", "PAGUE"), ("warn", "URGENTE")]
    assert verdicts("Pay now!", "en") == [("warn", "Pay now!")]


def test_a_threat_in_the_final_notice_is_left_to_a_persons_judgement() -> None:
    assert verdicts("Nuestro abogado le escribirá.", notice=NoticeKind.FINAL) == [("warn", "abogado")]
    assert verdicts("Usted no ha cumplido.", notice=NoticeKind.FINAL) == [("refuse", "no ha cumplido")]


def test_names_are_left_out() -> None:
    text = "Abogados\nPRADO, S.L. y el MUSEO le escriben."
    assert verdicts(text) == [("refuse", "Abogados"), ("warn", "PRADO"), ("warn", "MUSEO")]
    assert verdicts(text, known=("Abogados PRADO, S.L.", "MUSEO")) == []


def test_other_languages_are_checked_for_loudness_only() -> None:
    assert verdicts("PAYEZ maintenant ! Demande au tribunal", "fr") == [("warn", "PAYEZ"), ("warn", "PAYEZ maintenant !")]


SUMMARY_TOO = {"go_live": {"date": "2025-01-01", "old_debt": "one_summary"}}
CHARGES = {"late_charges": {"start": "2025-01-01", "rules": [{"key": "interest", "kind": "statutory_interest"}]}}
OFFERS = {"early_payment_discount": {"percent": 2, "days": 10}}


@pytest.mark.parametrize("form", ["usted", "tu"])
def test_our_own_words_pass_every_check(form: str) -> None:
    everything = policy(form, **SUMMARY_TOO, **CHARGES, **OFFERS)
    assert set(notices_of(everything)) == set(NoticeKind)
    assert check_templates(Renderer(shipped), everything) == []


LEVELS = [{"key": "due", "days": 0, "notice": "due"}, {"key": "first", "days": 1, "notice": "reminder"}]


def findings(name: str, own: str) -> list[tuple[str, str, str]]:
    assert own != shipped(name)
    renderer = Renderer(lambda asked: own if asked == name else shipped(asked))
    found = check_templates(renderer, policy(procedures={"standard": {"levels": LEVELS}}, **CHARGES, **OFFERS))
    return [(finding.severity.value, finding.where, finding.what) for finding in found]


def test_an_unknown_word_in_a_branch_that_no_sample_takes_is_found() -> None:
    body = '{% extends layout %}\n{% block opening %}\n{% if customer == "nobody" %}{{ item.outstandig }}{% endif %}{% endblock %}'
    assert findings("es/reminder.txt", body) == [("refuse", "es/reminder.txt:3", "there is no word “outstandig”")]


def test_an_unknown_word_on_the_way_is_reported_once_for_its_place() -> None:
    found = findings("en/words.txt", (shipped("en/words.txt") or "").replace("{{ item.due_day }}", "{{ item.due_dya }}"))
    assert {(where.rsplit(":", 1)[0], what) for _, where, what in found} == {("en/words.txt", "there is no word “due_dya”")}


def without(name: str, *lost: str) -> str:
    """A shipped template that has lost these words."""
    source = shipped(name) or ""
    for words in lost:
        assert words in source
        source = source.replace(words, "")
    return source


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        (["line.due_on, line.outstanding"], "the amount outstanding"),
        (["{{ signature.email }}"], "whom to answer"),
        (["{{ (w.label_iban, account.iban) | row }}"], "how to pay (ES91"),
        (["{{ page_url }}"], "how to pay (https://"),
        (["line.due_on, "], "the due date"),
        (['{{ w.step(line) | hanging("  ") }}'], "the late charge of"),
        (["{{ w.discount(item) | folded }}"], "the early-payment discount of"),
        (['{{ w.discount_line(line) | hanging("- ") }}'], "the early-payment discount of"),
        (["w.number_of(line), ", "{{ (w.label_payment_reference, account.reference) | row }}"], "the invoice number"),
    ],
)
def test_each_required_content_is_missed_when_the_text_part_loses_it(lost: list[str], missing: str) -> None:
    assert any(f"the text part does not say {missing}" in what for _, _, what in findings("layout.txt", without("layout.txt", *lost)))


@pytest.mark.parametrize(
    ("lost", "missing"),
    [
        (["{{ line.outstanding }}"], "the amount outstanding"),
        (["{{ signature.email }}</a>"], "whom to answer"),
        (["{{ account.account }}"], "how to pay (000123456789)"),
        (['href="{{ page_url }}"'], "how to pay (https://"),
        (["{{ line.due_on }}"], "the due date"),
        (["{{ w.charge_title(charge) }}"], "the late charge of"),
        (["{{ w.discount(item) }}"], "the early-payment discount of"),
        (["{{ w.discount_line(line) }}"], "the early-payment discount of"),
        (["{{ w.number_of(line) }}", "{{ account.reference }}"], "the invoice number"),
    ],
)
def test_each_required_content_is_missed_when_the_html_part_loses_it(lost: list[str], missing: str) -> None:
    assert any(f"the HTML part does not say {missing}" in what for _, _, what in findings("layout.html", without("layout.html", *lost)))


def test_a_letter_of_the_companys_own_needs_no_late_charges_and_no_discount_when_there_are_none() -> None:
    name, own = "es/reminder.txt", "{{ item.number if item else '' }}"
    found = check_templates(Renderer(lambda asked: own if asked == name else shipped(asked)), policy())
    assert found
    assert not [finding for finding in found if "late charge" in finding.what or "payment discount of" in finding.what]


def test_no_way_to_pay_at_all_is_found() -> None:
    found = check_templates(Renderer(shipped), policy(payment_details={}))
    assert any("there are neither payment details nor a pay page" in finding.what for finding in found)


def test_the_tone_of_own_words_is_read_with_its_line() -> None:
    body = (shipped("es/due.txt") or "") + "\n{% block problem %}\nSi paga,\nbien; si no, nuestro abogado.\n{% endblock %}\n"
    line = body.splitlines().index("bien; si no, nuestro abogado.") + 1
    what = "“abogado”: it threatens before the final notice"
    assert ("refuse", f"es/due.txt:{line}", what) in findings("es/due.txt", body)


def test_a_shouting_instruction_of_the_policy_is_found_in_the_rendered_notice() -> None:
    details = {"EUR": {"iban": "ES9121000418450200051332", "instructions": "PAGUE también en efectivo."}}
    found = check_templates(Renderer(shipped), policy(payment_details=details))
    assert {finding.where for finding in found} == {f"{language}/{notice}" for language in ("es", "en") for notice in notices_of(policy())}
    assert {finding.what for finding in found} == {"“PAGUE”: capital letters shout"}
