"""The sentences for the bookkeeper: every key of the schema shows in them, and no secret does."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import pytest
from policy.material import SECRETS, read_good
from puntual.core.policy.explain import explain, relative_day
from puntual.core.policy.schema import LedgerChoice, Model, Policy, Smtp
from puntual.core.secret import Secret
from pydantic import BaseModel
from pydantic.fields import FieldInfo

OTHER_TEXT = MappingProxyType({"locale": "en_GB", "country": "FR"})

Change = tuple[tuple[str, str], Any]


def others(value: Any, where: tuple[str, str]) -> Iterator[Change]:
    """Every value that differs from this one in a single key, and the (model, field) that differs."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            here = (type(value).__name__, name)
            for changed, inner in others(getattr(value, name), here):
                yield changed, value.model_copy(update={name: inner})
            if not type(value).model_fields[name].is_required() and getattr(value, name) != type(value).model_fields[name].get_default(
                call_default_factory=True
            ):
                yield here, value.model_copy(update={name: type(value).model_fields[name].get_default(call_default_factory=True)})
    elif isinstance(value, LedgerChoice):
        yield where, replace(value, type=value.type + "x")
        yield from ((changed, replace(value, settings=inner)) for changed, inner in others(value.settings, where))
    elif isinstance(value, tuple):
        yield from ((where, value[:position] + value[position + 1 :]) for position in range(len(value)) if len(value) > 1)
        for position, entry in enumerate(value):
            yield from ((changed, (*value[:position], inner, *value[position + 1 :])) for changed, inner in others(entry, where))
    elif isinstance(value, dict):
        for key, entry in value.items():
            yield where, {other: kept for other, kept in value.items() if other != key}
            yield from ((changed, {**value, key: inner}) for changed, inner in others(entry, where))
    else:
        yield from ((where, other) for other in other_scalars(value, where[1]))


def other_scalars(value: Any, key: str) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, StrEnum):
        yield from (word for word in type(value) if word is not value)
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, Decimal):
        yield value / 2
    elif isinstance(value, date):
        yield value + timedelta(days=1)
    elif isinstance(value, time):
        yield time(value.hour, value.minute + 1)
    elif isinstance(value, str):
        yield OTHER_TEXT.get(key, value + "x")


def models(root: type[BaseModel] = Model) -> Iterator[type[BaseModel]]:
    for model in root.__subclasses__():
        if not model.__module__.endswith(".host_schema"):  # the host's own file is no policy
            yield model
            yield from models(model)


def is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def test_a_change_of_any_single_key_changes_the_explanation():
    policy = read_good("full_es")
    told, covered = explain(policy), set()
    for where, changed in others(policy, ("", "")):
        covered.add(where)
        assert explain(changed) != told, where
    every = {(model.__name__, name) for model in models() for name, field in model.model_fields.items() if not is_section(field)}
    assert every - covered == set()
    assert {("DemoSettings", "url"), ("DemoSettings", "page_size")} <= covered


def test_the_explanation_of_a_minimal_policy_states_the_defaults():
    assert explain(read_good("minimal")) == [
        "These are the reminders of Acme, in Spain (ES).",
        "Days begin and end in the time zone Europe/Madrid.",
        "A customer whose language is not known is written to in Spanish (Spain) (es_ES).",
        "Spanish notices say usted.",
        "The mode is shadow: everything is planned and rendered, and nothing is sent.",
        ("The books are in the ledger “plain”; its settings that differ from the usual: folder is books."),
        "E-mail comes from cobros@acme.example; answers go to the same address.",
        "No mail leaves this machine: each one is written as a file into the folder outbox.",
        "Every notice is signed by Ana Ruiz.",
        "The invoice is attached where the ledger can print it.",
        "Texts are Puntual's own.",
        "Customers are written to on Monday, Tuesday, Wednesday, Thursday and Friday, between 08:00 and 20:00.",
        "On public holidays nothing goes out.",
        "There are no further days off.",
        "Between two contacts with a customer, over all channels, at least 6 days pass.",
        "There is no limit of notices a day.",
        "No go-live date is set, so a first run on old debt stops and asks.",
        "Customers for whom nothing else is said follow the procedure “standard”.",
        "The procedure “standard” has 1 level:",
        "“standard” 1: the day after the due date (day +1), an e-mail with the text “reminder” (level “friendly”).",
        "No amount is too small for a reminder.",
        (
            "A notice goes to the first of these that has a usable address: the contact on the invoice, then the contact for invoices, "
            "then accounts payable, then the customer's general address, then the parent customer."
        ),
        "A customer gets one message with all items that are due.",
        "No payment details are given.",
        "Notices have no payment link.",
        "No late charges are added.",
        "Who pays early may deduct what the ledger's own payment terms grant.",
        "There is no discount beyond that of the ledger's terms.",
        (
            "A discount was earned when the money comes in 2 days after its last day at the latest; "
            "it is then credited once, by a credit note."
        ),
        "A promise to pay counts as broken 2 days after the promised day.",
        "A run stops and asks when it would write to more than 40% of the customers with open items, judged from 20 customers on.",
        "A run stops and asks when the newest payment in the books is more than 10 days old.",
        "There is no limit to what one run may claim.",
        "A worker reads the books every 60 minutes, and sooner when a webhook tells of a change.",
        "It reads everything that is open anew every Sunday at 03:00 (Europe/Madrid).",
        "It runs at 09:30 (Europe/Madrid).",
        "Nobody at the company gets a digest by mail.",
    ]


def test_no_secret_is_told_only_that_there_is_one():
    text = "\n".join(explain(read_good("full_es")))
    assert not [secret for secret in filter(None, SECRETS.values()) if secret in text]
    assert "api_key is a secret that is not shown" in text
    assert "as cobros with a password that is not shown" in text


def test_a_secret_says_whether_it_is_set():
    policy = read_good("full_es")

    def through(smtp: Smtp) -> Policy:
        return policy.model_copy(update={"mail": policy.mail.model_copy(update={"smtp": smtp})})

    assert explain(through(Smtp(host="h", username="u", password=Secret("s")))) != explain(through(Smtp(host="h", username="u")))


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-7, "7 days before the due date (day -7)"),
        (-1, "the day before the due date (day -1)"),
        (0, "on the due date (day 0)"),
        (1, "the day after the due date (day +1)"),
        (60, "60 days after the due date (day +60)"),
    ],
)
def test_days_are_told_by_one_signed_convention(days, words):
    assert relative_day(days) == words
