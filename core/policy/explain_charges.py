"""The late charges of a policy as sentences that a bookkeeper can check."""

from collections.abc import Iterator

from ..rates import DayBasis, RateOverTime, Rounding
from .charge_law import INTEREST, compared
from .charge_schema import AfterPayment, Base, ChargeRule, ChargeTax, CustomerKind, Every, LateCharges, Placement, RuleKind, TaxAnswer
from .schema import Policy
from .sentences import amounts_listed, counted, listed, match_words, quoted

_CUSTOMERS = {CustomerKind.BUSINESS: "businesses", CustomerKind.CONSUMER: "consumers", CustomerKind.ALL: "all customers"}
_PLACEMENTS = {
    Placement.DOCUMENT: "Each charge is a document of its own that cites the invoice",
    Placement.LINE: "A charge is a line on the invoice where that is allowed, else a document of its own",
    Placement.STATEMENT: "The charges of a customer and month are one itemised document",
}
_AFTER = {
    AfterPayment.WAIVE: "When an invoice is paid, lateness that was not charged yet is dropped.",
    AfterPayment.KEEP: "When an invoice is paid, lateness that was not charged yet is charged all the same.",
}
_TAX = {TaxAnswer.NONE: "no tax is due", TaxAnswer.FOLLOWS_SUPPLY: "tax is due as on what was sold"}
_TAXED = {
    "statutory_interest": "interest by law",
    "contract_interest": "agreed interest",
    "compensation": "the fixed sum for the costs of recovery",
    "late_fee": "percentages and fees",
}
_DAY_BASIS = {
    DayBasis.ACTUAL_365: "a year has 365 days",
    DayBasis.ACTUAL_ACTUAL: "a year has the days it has",
    DayBasis.THIRTY_360: "every month has 30 days and a year 360",
    DayBasis.ACTUAL_360: "a year has 360 days",
}
_ROUNDING = {
    Rounding.PER_DAY: "each day's interest is rounded",
    Rounding.PER_SEGMENT: "each line is rounded",
    Rounding.AT_END: "the sum is rounded",
}
_OVER_TIME = {
    RateOverTime.SPLIT: "each day counts at its own rate",
    RateOverTime.FROZEN_AT_START: "the rate of the first day of default counts for the whole time",
    RateOverTime.AT_PAYMENT: "the rate of the day of payment counts for the whole time",
}


def charge_sentences(policy: Policy) -> Iterator[str]:
    """What being late costs, one sentence or two an entry."""
    charges = policy.late_charges
    if charges is None:
        yield "No late charges are added."
        return
    inside = compared(charges.rules)
    for number, rule in enumerate(charges.rules, start=1):
        yield f"Late charge {number}, “{rule.key}”: {_rule(rule, is_compared=rule.key in inside)}."
    yield from _limits(policy, charges)
    yield from _care(charges)
    yield from _tax(charges.tax)


def _rule(rule: ChargeRule, *, is_compared: bool) -> str:
    law = f"by the law of {rule.law or 'the company’s country'}"
    what = {
        RuleKind.STATUTORY_INTEREST: f"interest {law}",
        RuleKind.CONTRACT_INTEREST: f"{_agreed(rule)}, within what is allowed {law}",
        RuleKind.PERCENTAGE: f"{rule.percent} % of {_BASES[rule.base]}",
        RuleKind.FLAT_FEE: f"a fee of {amounts_listed(rule.amount)}",
        RuleKind.COMPENSATION: f"the fixed sum for the costs of recovery {law}{_own_sum(rule)}",
        RuleKind.HIGHER_OF: f"the highest of {quoted(rule.of).replace(' or ', ' and ')}",
    }[rule.kind]
    if is_compared:
        return f"{what}, only compared with others"
    days = f", from day {rule.from_days} after the due date" if rule.from_days else ""
    return "; ".join([f"{what}, {_rhythm(rule)}, from {_CUSTOMERS[rule.is_for]}{days}", *_counting(rule)])


_BASES = {None: "what is outstanding", Base.OUTSTANDING: "what is outstanding then", Base.TOTAL: "the invoice's total"}


def _agreed(rule: ChargeRule) -> str:
    by = [f"{percent} % a {unit}" for percent, unit in ((rule.annual_percent, "year"), (rule.monthly_percent, "month")) if percent]
    limit = f", of which the law allows at most {rule.legal_limit_percent} % a year" if rule.legal_limit_percent else ""
    return f"agreed interest of {listed(by)}{limit}"


def _own_sum(rule: ChargeRule) -> str:
    return f", in place of it {amounts_listed(rule.amount)}" if rule.amount else ""


def _rhythm(rule: ChargeRule) -> str:
    if rule.every is None:
        return "every month, as is usual" if rule.kind in INTEREST else "once, as is usual"
    if rule.every is Every.ONCE:
        return "once"
    return "every month from the due date" if rule.every is Every.MONTH else f"every {counted(int(rule.every), 'day')} from the due date"


def _counting(rule: ChargeRule) -> Iterator[str]:
    if rule.day_basis:
        yield _DAY_BASIS[rule.day_basis]
    if rule.rounding:
        yield _ROUNDING[rule.rounding]
    if rule.rate_over_time:
        yield _OVER_TIME[rule.rate_over_time]
    if rule.kind in INTEREST and not (rule.day_basis and rule.rounding):
        yield "counted otherwise as the country does"


def _limits(policy: Policy, charges: LateCharges) -> Iterator[str]:
    start = charges.start or (policy.go_live.on if policy.go_live else None)
    yield f"Nothing is charged for the time before {start}{'' if charges.start else ', the go-live date'}."
    yield f"The first charge comes {counted(charges.from_days, 'day')} after the due date; who pays sooner is charged nothing."
    if charges.minimum:
        yield f"A charge below {amounts_listed(charges.minimum)} waits and is added to the next."
    if charges.cap:
        yield f"All charges on an invoice, or on an instalment, are together at most {amounts_listed(charges.cap)}."
    if charges.cap_share is not None:
        yield f"All charges on an invoice, or on an instalment, are together at most {charges.cap_share:%} of its total."
    for exemption in charges.exempt:
        yield f"Nothing is charged if {', and '.join(match_words(exemption.match))}. Reason: {exemption.reason}"


def _care(charges: LateCharges) -> Iterator[str]:
    days = counted(charges.announce_days, "day")
    told = f"Only what a notice announced is charged, {days} later at the earliest."
    yield told if charges.announce else f"Charges are made without an announcement (the {days} do not matter)."
    yield "A person says yes to every charge." if charges.approval else "Charges are made without a person's yes."
    due = f"{counted(charges.payment_days, 'day')} after its date" if charges.payment_days else "on its date"
    yield f"{_PLACEMENTS[charges.placement]}; a document is due {due}."
    yield _AFTER[charges.after_payment]
    if charges.write_off_below:
        limit = amounts_listed(charges.write_off_below)
        yield f"When an invoice is paid, open charges on it that are together below {limit} are written off."


def _tax(tax: ChargeTax) -> Iterator[str]:
    for kind in type(tax).model_fields:
        answer: TaxAnswer | None = getattr(tax, kind)
        if answer is not None:
            yield f"On {_TAXED[kind]} {_TAX[answer]}, as the policy says."
