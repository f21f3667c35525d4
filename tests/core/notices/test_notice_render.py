"""The template language: what it refuses, how it says so, and how companies put in their own words."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notice_cases import CUSTOMER, MARTA, action, context, owed, shipped
from puntual.core.errors import PolicyProblem
from puntual.core.notices.render import Rendered, Renderer, inlined
from puntual.core.policy.schema import NoticeKind

REMINDER = NoticeKind.REMINDER
ONE = action(REMINDER, owed("F-1", -1, "1250.00"))
SHIPPED = Renderer(shipped)


def with_own(**own: str) -> Callable[[str], str | None]:
    """Shipped templates with a company's own in front; `es__reminder_txt` stands for es/reminder.txt."""
    files = {re.sub(r"_(txt|subject|html)$", r".\1", name.replace("__", "/")): text for name, text in own.items()}
    return lambda name: files.get(name) or shipped(name)


def render(form: str = "usted", **own: str) -> Rendered:
    return Renderer(with_own(**own)).render(context(ONE, form=form), REMINDER, "es")


BLOCK = "{{% extends layout %}}{{% block opening %}}\n{}\n{{% endblock %}}"


@pytest.mark.parametrize(
    ("words", "place", "hint"),
    [
        ("{{ compani }}", "es/reminder.txt:2: there is no word “compani”", "Did you mean “company”?"),
        ("\n{{ item.outstandin }}", "es/reminder.txt:3: there is no word “outstandin”", "Did you mean “outstanding”?"),
        ("{{ w.heading_pai }}", "es/reminder.txt:2: there is no word “heading_pai”", "Did you mean “heading_pay”?"),
        ("{{ zzzz }}", "es/reminder.txt:2: there is no word “zzzz”", ""),
        ("{% if %}", "es/reminder.txt:2: ", ""),
        ("{% include 'es/nothing.txt' %}", "there is no template es/nothing.txt", ""),
        ("{{ 'a' * 100000000 }}", "es/reminder.txt:2: the operator *", ""),
        ("{{ item.number.__class__.__mro__ }}", "es/reminder.txt:2: ", ""),
        ("{{ 'a'.center(99999999) }}", "es/reminder.txt:2: ", ""),
        ("{{ w.claim.__globals__ }}", "es/reminder.txt:2: ", ""),
        ("{% for a in range(9) %}{% endfor %}", "es/reminder.txt:2: there is no word “range”", ""),
        ("{{ 1 / 0 }}", "es/reminder.txt:2: division by zero", ""),
        ("{{ 'a' | center(9999) }}", "es/reminder.txt:2: No filter named 'center'.", ""),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "es/reminder.txt:2: ", ""),
    ],
)
def test_a_wrong_template_is_named_with_its_line(words: str, place: str, hint: str) -> None:
    with pytest.raises(PolicyProblem) as caught:
        render(es__reminder_txt=BLOCK.format(words))
    assert place in caught.value.detail
    assert caught.value.hint == hint


def test_a_mistake_in_shared_words_is_blamed_on_their_file() -> None:
    words = (shipped("es/words.txt") or "").replace("{{ item.due_day }}", "{{ item.due_dya }}")
    line = next(number for number, text in enumerate(words.splitlines(), 1) if "due_dya" in text)
    with pytest.raises(PolicyProblem, match=rf"es/words\.txt:{line}: there is no word “due_dya”"):
        render(es__words_txt=words)


def test_an_endless_text_is_stopped() -> None:
    loops = "{% for a in t %}{% for b in t %}{% for c in t %}{{ t }}{% endfor %}{% endfor %}{% endfor %}"
    with pytest.raises(PolicyProblem, match="longer than 500000 characters"):
        render(es__reminder_txt="{% set t = '" + "x" * 200 + "' %}" + loops)


def test_a_language_without_texts_is_a_problem_and_not_an_empty_mail() -> None:
    with pytest.raises(PolicyProblem, match=r"There is no template fr/reminder\.txt"):
        SHIPPED.render(context(ONE), REMINDER, "fr")
    assert [SHIPPED.speaks(language) for language in ("es", "es-MX", "en", "fr")] == [True, True, True, False]


def test_tu_takes_what_differs_and_the_rest_from_usted() -> None:
    assert "¿Podrías decirnos cuándo prevés el pago?" in render("tu").text
    assert "¿Podría decirnos cuándo prevé el pago?" in render().text
    assert render("tu").subject == render().subject


def test_a_regional_folder_of_the_company_comes_first() -> None:
    renderer = Renderer(with_own(**{"es-MX__reminder_subject": "Recordatorio para México"}))
    assert renderer.render(context(ONE), REMINDER, "es-MX").subject == "Recordatorio para México"
    assert renderer.render(context(ONE), REMINDER, "es").subject.startswith("Recordatorio: factura F-1")


def test_own_words_in_one_file_change_both_parts() -> None:
    message = render(es__reminder_txt=BLOCK.format("Un saludo a {{ customer }}."))
    assert "Un saludo a Panadería Núñez, S.L.." in message.text
    assert "<p style=" in message.html
    assert "Un saludo a Panadería Núñez, S.L.." in message.html


def test_a_whole_letter_of_the_companys_own_stands_in_both_parts_as_it_is() -> None:
    message = render(es__reminder_txt="Hola <{{ customer }}>:\n\n  {{ item.number }}  {{ item.outstanding }}\n\nAdiós")
    assert message.text.startswith("Hola <Panadería Núñez, S.L.>:\n\n  F-1  1.250,00")
    assert "Hola &lt;Panadería Núñez, S.L.&gt;:\n\n  F-1  1.250,00" in message.html


def test_an_own_html_part_replaces_only_the_html_part() -> None:
    message = render(es__reminder_html="<p>{{ customer }} &amp; {{ item.number }}</p>")
    assert message.html == "<p>Panadería Núñez, S.L. &amp; F-1</p>"
    assert "Cómo pagar" in message.text


NASTY = "<script>alert(1)</script> & {{7*7}} {% raw %}"


def test_values_are_text_and_never_markup_or_template() -> None:
    customer = replace(CUSTOMER, name=NASTY)
    item = replace(owed("F-1", -1, "5.00"), number="<b>F</b>", reference="{{ company }}")
    message = SHIPPED.render(context(action(REMINDER, item, customer=customer, recipient=None)), REMINDER, "es")
    assert NASTY in message.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; {{7*7}} {% raw %}" in message.html
    assert "<script" not in message.html
    assert "49" not in message.subject + message.text
    assert "<b>F" not in message.html
    assert "{{ company }}" in message.text


@given(name=st.text(max_size=80), number=st.text(min_size=1, max_size=80))
def test_no_value_breaks_the_subject_or_the_markup(name: str, number: str) -> None:
    item = replace(owed("F-1", -1, "5.00"), number=number)
    act = action(REMINDER, item, customer=replace(CUSTOMER, name=name), recipient=replace(MARTA, name=name))
    message = SHIPPED.render(context(act), REMINDER, "es")
    assert len(message.subject.splitlines()) == 1
    assert message.html.count("<p") == SHIPPED.render(context(ONE), REMINDER, "es").html.count("<p")


def test_a_newline_in_a_subject_template_is_no_second_line() -> None:
    assert render(es__reminder_subject="Aviso\nBcc: x@y.example").subject == "Aviso Bcc: x@y.example"
    with pytest.raises(PolicyProblem, match=r"es/reminder\.subject:1: the subject is empty"):
        render(es__reminder_subject="{# nothing #}\n")


def test_styles_go_into_the_elements_and_template_tags_stay_where_they_are() -> None:
    source = (
        "<html><head><style>td { color: red; } @media print { td { color: black; } }</style></head><body><table><tbody>"
        "{% for a in b %}<tr><td>{{ a.b | e }}</td></tr>{% endfor %}</tbody></table></body></html>"
    )
    made = inlined("layout.html", source)
    assert '{% for a in b %}<tr><td style="color: red;">{{ a.b | e }}</td></tr>{% endfor %}' in made
    assert "@media print" in made
    assert inlined("es/reminder.txt", source) == source


def test_a_long_number_gets_a_line_of_its_own_in_the_text_table() -> None:
    numbers = ["SUBDIVISION-NORTE/2025/05/" + "9" * 30 + str(last) for last in (1, 2)]
    message = SHIPPED.render(context(action(REMINDER, *(owed(number, -1, "5.00") for number in numbers))), REMINDER, "es")
    rows = message.text.splitlines()
    assert f"  {numbers[0]}" in rows
    assert rows[rows.index(f"  {numbers[0]}") + 1].split() == ["12", "abr", "2025", "12", "may", "2025", "5,00", "€"]
