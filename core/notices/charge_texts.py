"""The words of a late charge in the books, for the customer who reads them there: what it is for, and how it was counted. Pure."""

from collections.abc import Mapping
from decimal import Decimal

from babel.numbers import format_decimal

from ..dunning.charge_facts import Calculation, CalculationLine
from ..dunning.recipients import language_of
from ..money import Money
from ..policy.schema import Policy
from ..receivables import Customer
from .display import clean, format_date, locale_of, money_text

MOST_LETTERS = 3500
"""Ledgers take 4000 for a line; a calculation that is longer is left to the notice and to `puntual charges`."""

_WORDS: Mapping[str, Mapping[str, str]] = {
    "es": {
        "statutory_interest": "Intereses legales de demora de la factura {number}, del {first} al {last}",
        "contract_interest": "Intereses de demora pactados de la factura {number}, del {first} al {last}",
        "percentage": "Recargo por demora de la factura {number}",
        "flat_fee": "Recargo por demora de la factura {number}",
        "compensation": "Compensación por costes de cobro de la factura {number}",
        "days": "{first} – {last}: {days} días × {base} × {percent} % ÷ {divisor} = {sum}",
        "day": "{first}: 1 día × {base} × {percent} % ÷ {divisor} = {sum}",
        "share": "{percent} % de {base} = {sum}",
        "rounded": "Redondeado a céntimos sobre todos los periodos juntos: {total}",
        "limited": "Importe limitado: {total}",
        "statement": "Cargos por demora, {month}",
    },
    "en": {
        "statutory_interest": "Statutory late-payment interest on invoice {number}, {first} to {last}",
        "contract_interest": "Agreed late-payment interest on invoice {number}, {first} to {last}",
        "percentage": "Late-payment charge on invoice {number}",
        "flat_fee": "Late-payment charge on invoice {number}",
        "compensation": "Compensation for the costs of recovery of invoice {number}",
        "days": "{first} – {last}: {days} days × {base} × {percent} % ÷ {divisor} = {sum}",
        "day": "{first}: 1 day × {base} × {percent} % ÷ {divisor} = {sum}",
        "share": "{percent} % of {base} = {sum}",
        "rounded": "Rounded to cents over all periods together: {total}",
        "limited": "Limited to {total}",
        "statement": "Late-payment charges, {month}",
    },
}


def charge_text(made: Calculation, number: str, customer: Customer, policy: Policy) -> str:
    """What a charge is for, and under it how it was counted, in the customer's language."""
    language = language_of(customer, None, policy)
    words, locale = _WORDS[language], locale_of(language, customer.country, policy.company.locale)
    first, last = format_date(made.first, locale), format_date(made.last, locale)
    title = words[made.kind.value].format(number=clean(number), first=first, last=last)
    steps = [text for step in made.steps if (text := _step(step, words, locale))]
    printed = [Money.of(step.counted, made.counted.currency) for step in made.steps]
    if steps and sum(printed[1:], start=printed[0]) != made.counted:
        steps.append(words["rounded"].format(total=money_text(made.counted, locale)))
    if made.total != made.counted:
        steps.append(words["limited"].format(total=money_text(made.total, locale)))
    text = "\n".join([title, *steps])
    return text if len(text) <= MOST_LETTERS else title


def statement_text(month: str, customer: Customer, policy: Policy) -> str:
    """The title of a statement of charges. `month` is like 2026-05."""
    return _WORDS[language_of(customer, None, policy)]["statement"].format(month=month)


def _step(step: CalculationLine, words: Mapping[str, str], locale: str) -> str:
    """One line of the calculation; a sum that was agreed or is the law's needs none."""
    if step.percent is None:
        return ""
    shown = Money.of(step.counted, step.base.currency)
    values = {"base": money_text(step.base, locale), "percent": _number(step.percent, locale), "sum": money_text(shown, locale)}
    if step.days is None:
        return words["share"].format(**values)
    first, last = format_date(step.first, locale), format_date(step.last, locale)
    return words["day" if step.days == 1 else "days"].format(first=first, last=last, days=step.days, divisor=step.divisor, **values)


def _number(value: Decimal, locale: str) -> str:
    return str(format_decimal(value.normalize(), locale=locale, decimal_quantization=False))
