"""What a customer may deduct for paying early: the section `early_payment_discount` of a policy. Left out, what the ledger's own payment
terms grant counts, so that a customer who deducts it is not asked for the rest. Checks over several keys: lint_discount."""

from typing import Annotated

from pydantic import Field

from .parts import Match, Model
from .values import PercentOff


class EarlyPaymentDiscount(Model):
    """What paying early is worth."""

    from_ledger: bool = Field(
        True, description="What the ledger's own payment terms grant is offered and credited; it goes before what stands here"
    )
    percent: PercentOff | None = Field(
        None, description="The company's own offer, where the ledger's terms grant nothing: so many percent of the total with tax"
    )
    days: Annotated[int, Field(ge=1, le=365)] | None = Field(
        None, description="`percent` is for who pays all within so many days of the day of issue; nothing is offered when it is due by then"
    )
    match: Match | None = Field(None, description="Which customers or invoices `percent` is offered to; left out: all")
    grace_days: Annotated[int, Field(ge=0, le=30)] = Field(
        2, description="Days after the last day on which the money may still come in: banks need them. Notices do not speak of them"
    )
