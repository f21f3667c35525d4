"""The early-payment discount of a policy, in sentences that a bookkeeper can check."""

from collections.abc import Iterator

from .discount_schema import EarlyPaymentDiscount
from .schema import Policy
from .sentences import counted, match_words


def discount_sentences(policy: Policy) -> Iterator[str]:
    """What a customer may deduct for paying early, and how it is proved."""
    discount = policy.early_payment_discount
    if discount.from_ledger:
        yield "Who pays early may deduct what the ledger's own payment terms grant."
    else:
        yield "What the ledger's own payment terms grant for paying early does not count: who deducts it is asked for the rest."
    yield _own_offer(discount)
    yield (
        f"A discount was earned when the money comes in {counted(discount.grace_days, 'day')} after its last day at the latest; "
        "it is then credited once, by a credit note."
    )


def _own_offer(discount: EarlyPaymentDiscount) -> str:
    if discount.percent is None or discount.days is None:
        return "There is no discount beyond that of the ledger's terms." if discount.from_ledger else "No discount is offered."
    where = "Where they grant nothing, who" if discount.from_ledger else "Who"
    who = f", if {', and '.join(match_words(discount.match))}" if discount.match else ""
    within = f"within {counted(discount.days, 'day')} of the day of issue, and before the due date"
    return f"{where} pays all {within}, may deduct {discount.percent} % of the total with tax{who}."
