"""Whatever stands in a policy file: a policy, or problems inside the file. Never anything else, and never a secret."""

import re

from hypothesis import example, given, settings
from hypothesis import strategies as st
from policy.material import BAD, GOOD, SECRETS, read
from puntual.core.policy.explain import explain
from puntual.core.policy.lint import warnings
from puntual.core.policy.read import PolicyFileProblems
from puntual.core.policy.schema import Policy

TEXTS = [path.read_text(encoding="utf-8") for path in (*GOOD, *BAD) if path.stem != "not_utf8"]
PIECES = [
    "company", "mail", "procedures", "a", "${SMTP_PASSWORD}", "2026-01-01", "08:30", "-7", "1.5", "true", "~", ": ", "- ", "\n", "\n  ",
    "\n    ", "{", "}", "[", "]", ", ", "&a ", "*a", "!x ", "|", ">", "'", '"', "\\",
    "#", "%YAML 9", "---", "...", "?", "<<", "\t", "\x85", "é",
]  # fmt: skip
LINE_ENDS = re.compile("\r\n|[\r\n\x85\u2028\u2029]")

pieces = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
few = settings(max_examples=150, deadline=None)


@st.composite
def mutated(draw):
    """A file of ours with some spans cut out, doubled, or replaced."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 60)))
        text = text[:start] + draw(pieces | st.just(text[start:end] * 2) | st.text(max_size=8)) + text[end:]
    return text


@st.composite
def reshuffled(draw):
    """A good file whose values were exchanged: well-formed and often wrong."""
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    values = [line.partition(": ")[2] for line in lines if ": " in line] + ["", "[]", "{}", "1", "no", "${EMPTY}", "'x'"]
    picked = draw(st.sets(st.integers(0, len(lines) - 1), max_size=5)) if lines else set()
    swap = {number: draw(st.sampled_from(values)) for number in sorted(picked)}
    return "\n".join(f"{line.partition(':')[0]}: {swap[number]}" if number in swap else line for number, line in enumerate(lines))


def judge(text):
    try:
        policy = read(text)
    except PolicyFileProblems as error:
        judge_problems(error, max(1, len(LINE_ENDS.split(text))))
    else:
        assert isinstance(policy, Policy)
        assert all(explain(policy))
        assert all(str(finding) for finding in warnings(policy))


def judge_problems(found, line_count):
    assert found.problems
    assert all(1 <= problem.line <= line_count and problem.column >= 1 for problem in found.problems)
    assert str(found).encode()
    assert not [secret for secret in SECRETS.values() if len(secret) > 4 and secret in str(found)]


@few
@given(st.text())
@example('"\\UFFFFFFFF"')
@example("%YAML " + "9" * 5000 + ".1\n--- a")
@example('a: "\\ud800"')
@example("\ud800")
@example("[" * 5000)
@example("{a: " * 5000)
@example("- " * 5000)
@example("? " * 5000)
@example("a: &a\n  b: *a")
@example("a: !!binary x\n!!int b: c")
@example("company: {country: '\u0130'}")
def test_any_text(text):
    judge(text)


@few
@given(pieces)
def test_text_made_of_the_pieces_of_yaml(text):
    judge(text)


@few
@given(mutated())
def test_a_file_with_spans_cut_or_replaced(text):
    judge(text)


@few
@given(reshuffled())
def test_a_file_with_values_exchanged(text):
    judge(text)


@few
@given(st.binary(max_size=200))
def test_any_bytes(text):
    try:
        read(text)
    except PolicyFileProblems as error:
        judge_problems(error, max(1, len(LINE_ENDS.split(text.decode(errors="replace")))))
