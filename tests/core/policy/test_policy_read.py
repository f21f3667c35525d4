"""YAML as the policy takes it: scalars, references to secrets, limits, and what depends on a sound neighbour."""

from datetime import date, time
from decimal import Decimal

import pytest
from policy.material import FOLDER, LEDGERS, SECRETS, read, read_good
from puntual.core.policy.read import PolicyFileProblems, read_policy
from puntual.core.policy.schema import OldDebt, Weekday
from puntual.core.secret import Secret

MINIMAL = (FOLDER / "good" / "minimal.yaml").read_text(encoding="utf-8")
WITH_SMTP = MINIMAL.replace("folder: outbox}", "smtp: {host: mail.acme.example, username: ana, password: PASSWORD}}")


def problems(text):
    with pytest.raises(PolicyFileProblems) as caught:
        read(text)
    return [(problem.line, problem.column, problem.path, problem.message) for problem in caught.value.problems]


def test_values_have_the_types_of_the_schema():
    policy = read_good("full_es")
    assert (policy.sending.earliest, policy.sending.latest) == (time(8, 30), time(18, 0))
    assert policy.sending.holidays == (date(2026, 8, 15), date(2026, 12, 24))
    assert policy.sending.days == (Weekday.MON, Weekday.TUE, Weekday.WED, Weekday.THU)
    assert (policy.go_live.on, policy.go_live.old_debt) == (date(2026, 1, 1), OldDebt.ONE_SUMMARY)
    assert policy.tolerance == {"EUR": Decimal(5), "JPY": Decimal(500), "KWD": Decimal("0.125")}
    assert policy.payment_details["EUR"].iban == "ES9121000418450200051332"
    assert policy.customers[0].match.countries == ("ES", "NO")


def test_the_ledgers_settings_are_its_own_model_with_its_secrets():
    ledger = read_good("full_es").ledger
    assert (ledger.type, type(ledger.settings)) == ("demo", LEDGERS["demo"].settings)
    assert (ledger.settings.page_size, ledger.settings.api_key.reveal()) == (50, SECRETS["DEMO_API_KEY"])


def test_secrets_are_found_by_reference_and_masked():
    policy = read_good("full_es")
    assert policy.mail.smtp.password == Secret("p4ss-in-file")
    assert "p4ss" not in repr(policy)
    assert "k3y" not in repr(policy)


def test_the_look_up_is_asked_for_what_stands_in_the_braces():
    asked = []
    read_policy(
        (FOLDER / "good" / "full_es.yaml").read_bytes(),
        "acme.yaml",
        ledgers=LEDGERS,
        secrets=lambda reference: asked.append(reference) or "x",
    )
    assert asked == ["DEMO_API_KEY", "file:/run/secrets/smtp", "DEMO_API_KEY", "SMTP_PASSWORD"]


@pytest.mark.parametrize(
    "written",
    [
        "hunter2", "'hunter2'", '"hunter2"', "*hunter2", "&a hunter2", "&hunter2 a", "!hunter2 a", "@hunter2", "%hunter2", "`hunter2",
        "{hunter2: 1}", "{hunter2: 1, hunter2: 2}", "[hunter2]", "[[hunter2]]", "'hunter2", '"\\qhunter2"', '"hunter2\\0"', "${hunter2",
        "${hunter 2} hunter2", "hunter2: x", "? hunter2", "| hunter2", "-hunter2", "hunter2 #x", "${file:}hunter2", "$hunter2",
    ],
)  # fmt: skip
def test_a_secret_that_is_written_out_is_never_echoed(written):
    with pytest.raises(PolicyFileProblems) as caught:
        read(WITH_SMTP.replace("PASSWORD}}", f"\n    {written}\n    }}}}"))
    assert "hunter2" not in f"{caught.value} {caught.value.problems!r}"
    with pytest.raises(PolicyFileProblems) as caught:
        read(f"{MINIMAL}\nledger:\n  type: demo\n  url: x\n  api_key: {written}\n")
    assert "hunter2" not in f"{caught.value} {caught.value.problems!r}"


def test_a_connectors_own_message_is_masked():
    from puntual.core.policy.read import LedgerKind
    from pydantic import BaseModel, ConfigDict, model_validator

    class Chatty(BaseModel):
        model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)
        key: Secret

        @model_validator(mode="after")
        def refuse(self):
            raise ValueError(f"{self.key.reveal()} does not work")

    with pytest.raises(PolicyFileProblems) as caught:
        read_policy(
            MINIMAL.replace("{type: plain, folder: books}", "{type: chatty, key: '${SMTP_PASSWORD}'}"),
            "acme.yaml",
            ledgers={"chatty": LedgerKind(Chatty, frozenset())},
            secrets=SECRETS.get,
        )
    assert str(caught.value) == "acme.yaml:2:1: `ledger` is not possible: ••• does not work"


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Y", "n", "1", "'true'"])
def test_only_true_and_false_are_booleans(word):
    assert problems(f"{MINIMAL}sending: {{skip_public_holidays: {word}}}\n")[0][3].startswith(
        "`skip_public_holidays` must be true or false"
    )
    assert read(f"{MINIMAL}sending: {{skip_public_holidays: false}}\n").sending.skip_public_holidays is False


@pytest.mark.parametrize("word", ["1:30", "190:20:30", "0x1F", "0o17", "1_000", "1e3", ".5", "1.", ".inf", ".nan", "9" * 5000, "'5'"])
def test_a_number_is_digits_and_at_most_one_point(word):
    assert problems(f"{MINIMAL}tolerance: {{EUR: {word}}}\n")[0][3].startswith("`EUR` must be a number")


def test_norway_is_a_country_and_no_boolean():
    policy = read(MINIMAL.replace("country: ES, locale: es_ES", "country: NO, locale: en_GB"))
    assert policy.company.country == "NO"


def test_aliases_repeat_a_value_and_a_problem_in_it_is_told_once_where_it_stands():
    text = MINIMAL + "  gentle: &gentle\n    levels: [{key: a, days: 1, notice: reminder}]\n  other: *gentle\n"
    assert read(text).procedures["other"] == read(text).procedures["gentle"]
    assert [entry[:3] for entry in problems(text.replace("days: 1, notice: reminder}]\n  o", "days: x, notice: reminder}]\n  o"))] == [
        (8, 29, "procedures.gentle.levels[1].days"),
    ]


def test_a_file_beyond_the_size_is_refused_before_it_is_read():
    assert problems("# " + "x" * 500_000)[0][3] == "the file has more than 500000 characters"
    assert problems(f"a: [{'x,' * 60_000}]")[0][3] == "more than 50000 values"


def test_many_problems_are_told_up_to_a_hundred():
    keys = "".join(f"key{number}: 1\n" for number in range(500))
    assert len(problems(MINIMAL + keys)) == 100


def test_a_byte_order_mark_and_other_line_ends_do_not_matter():
    assert read(b"\xef\xbb\xbf" + MINIMAL.encode()) == read(MINIMAL) == read("\ufeff" + MINIMAL.replace("\n", "\r\n"))


def test_the_first_of_two_equal_keys_is_judged_and_the_second_reported():
    assert problems(MINIMAL + "mode: live\nmode: nonsense\n") == [(8, 1, "mode", "`mode` stands twice")]


def test_a_check_over_two_values_runs_beside_other_problems():
    text = MINIMAL.replace("name: Acme", "name: 5").replace("country: ES", "country: ES, region: ZZ")
    assert [entry[2] for entry in problems(text)] == ["company.name", "company.region"]


def test_a_check_is_left_out_when_a_value_that_it_needs_is_broken():
    assert [entry[2] for entry in problems(MINIMAL.replace("country: ES", "country: es, region: ZZ"))] == ["company.country"]
    assert [entry[2] for entry in problems(f"{MINIMAL}sending: {{earliest: late, latest: 07:00}}\n")] == ["sending.earliest"]
    assert [entry[2] for entry in problems(f"{MINIMAL}sending: {{earliest: 07:00, latest: late}}\n")] == ["sending.latest"]
    rule = "customers: [{match: {ids: [a]}, procedure: other}]\n"
    assert [entry[2] for entry in problems(MINIMAL.partition("procedures")[0] + rule)] == ["procedures"]


LADDER = MINIMAL.replace("{key: friendly, days: 1, notice: reminder}", "LEVELS")


@pytest.mark.parametrize(
    ("levels", "broken"),
    [
        ("{key: a, days: -20, notice: before_due, repeat: {every_days: 6, at_most: 3}}", []),
        ("{key: a, days: -18, notice: before_due, repeat: {every_days: 6, at_most: 3}}", ["levels[1].repeat"]),
        ("{key: a, days: 0, notice: due, repeat: {every_days: 30, at_most: 1}}", ["levels[1].repeat"]),
        ("{key: a, days: 1, notice: reminder, repeat: {every_days: 6, at_most: 2}}, {key: b, days: 14, notice: second}", []),
        (
            "{key: a, days: 1, notice: reminder, repeat: {every_days: 6, at_most: 2}}, {key: b, days: 13, notice: firm}",
            ["levels[1].repeat"],
        ),
        ("{key: a, days: 1, notice: second}, {key: b, days: 9, notice: second}", []),
        ("{key: A, days: 1, notice: before_due}, {key: b, days: 1, notice: second}", ["levels[1].key"]),
        ("{key: a, days: 1, channel: fax}, {key: b, days: 1, notice: second}", ["levels[1].channel"]),
        ("{key: a, days: 1, notice: odd}, {key: a, days: 1, notice: second}", ["levels[1].notice"]),
        (
            "{key: a, days: 9, notice: final}, {key: b, days: 1, notice: second, x: 1}",
            [f"levels[2].{key}" for key in ("days", "notice", "x")],
        ),
    ],
)
def test_ladders_at_their_edges(levels, broken):
    text = LADDER.replace("LEVELS", levels)
    found = [] if not broken and read(text) else [path.removeprefix("procedures.standard.") for _, _, path, _ in problems(text)]
    assert found == broken


def test_a_repeat_is_not_judged_against_a_broken_gap():
    text = LADDER.replace("LEVELS", "{key: a, days: 1, notice: reminder, repeat: {every_days: 1, at_most: 2}}")
    assert [entry[2] for entry in problems(f"{text}sending: {{min_days_between_contacts: few}}\n")] == ["sending.min_days_between_contacts"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", '"::1"'])
def test_a_login_without_protection_is_for_this_machine_only(host):
    text = WITH_SMTP.replace("PASSWORD", '"${SMTP_PASSWORD}", security: none')
    assert read(text.replace("mail.acme.example", host)).mail.smtp.username == "ana"
    assert [entry[2] for entry in problems(text)] == ["mail.smtp.security"]


@pytest.mark.parametrize(
    "sender",
    ["ana@acme.es", "Ana <ana@acme.es>", "'\"Pérez, S.L.\" <ana@acme.es>'", "Pérez y Cía. S.L. <a.b+c@x-y.acme.es>", "<ana@acme.es>"],
)
def test_usual_senders_are_taken(sender):
    assert read(MINIMAL.replace("from: cobros@acme.example", f"from: {sender}")).mail.sender == sender.strip("'")


@pytest.mark.parametrize(
    "sender",
    [
        "''", "ana", "ana@acme", "ana@@acme.es", "a..b@acme.es", ".a@acme.es", "a@acme..es", "a@-acme.es", "a b@acme.es",
        '"Ana <ana@acme.es"',
        '"Ana\\nBcc: x@y.es <ana@acme.es>"', '"Ana\\u2028 <ana@acme.es>"', "a@x.es <ana@acme.es>", "Ana <a@acme.es> <b@acme.es>",
        "'a@acme.es, b@acme.es'", "ana@españa.es",
    ],
)  # fmt: skip
def test_a_sender_that_could_split_a_header_or_is_none_is_refused(sender):
    assert [entry[2] for entry in problems(MINIMAL.replace("from: cobros@acme.example", f"from: {sender}"))] == ["mail.from"]
