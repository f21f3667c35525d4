"""Ways to pay in a policy: what one word stands for, what can be paid, and how it is explained."""

import re
from pathlib import Path

import puntual
import pytest
import yaml
from notice_cases import policy
from puntual.core.policy.explain import explain
from puntual.core.policy.queries import can_be_paid
from puntual.core.policy.schema import LinkProvider, PaymentLink, Policy
from puntual.core.secret import Secret

KEY = Secret("sk_test_k3y")


def links(*entries: object) -> Policy:
    return policy(payment_links=list(entries))


def test_one_word_is_an_entry_that_says_nothing_else() -> None:
    assert links("ledger", "bank_transfer").payment_links == (
        PaymentLink(provider=LinkProvider.LEDGER),
        PaymentLink(provider=LinkProvider.BANK_TRANSFER),
    )


@pytest.mark.parametrize(
    ("entries", "payable"),
    [
        ((), False),
        (("bank_transfer",), False),
        (("ledger",), True),
        (({"provider": "ledger", "currencies": ["EUR"]},), False),
        (({"provider": "stripe", "secret_key": KEY, "currencies": ["EUR", "USD"]},), True),
    ],
)
def test_a_currency_without_an_account_can_be_paid_on_a_page_that_serves_it(entries: tuple[object, ...], payable: bool) -> None:
    made = links(*entries).model_copy(update={"payment_details": {}})
    assert can_be_paid(made, "USD") is payable
    assert can_be_paid(links(), "EUR")


def test_the_ways_to_pay_are_told_in_their_order_and_the_key_is_not() -> None:
    stripe = {"provider": "stripe", "secret_key": KEY, "max_amount": {"EUR": 3000}, "currencies": ["EUR"]}
    said = explain(links(stripe, "ledger", "bank_transfer"))
    first = said.index("Notices link to a page at Stripe (in EUR, up to 3000 EUR); else to the ledger's own pay page.")
    seen = "payments there are seen when the books show them"
    assert said[first + 1 : first + 3] == [
        f"Stripe is asked with a key that is not shown. A link there ends 60 days after the last notice that had it; {seen}.",
        "Notices show a payment code (QR) for the bank transfer.",
    ]


def test_the_example_of_the_guide_is_a_policy() -> None:
    guide = (Path(puntual.__file__).parent / "docs" / "payment-links.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    text = example.replace("${STRIPE_KEY}", "KEY").replace("${STRIPE_WEBHOOK_SECRET}", "KEY")
    entries = yaml.safe_load(text)["payment_links"]
    made = links(*({**one, "secret_key": KEY, "webhook_secret": KEY} if isinstance(one, dict) else one for one in entries))
    assert [link.provider.value for link in made.payment_links] == ["stripe", "ledger", "bank_transfer"]
