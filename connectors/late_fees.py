"""How people and ledgers name a line that charges lateness, in the languages of the templates and two more. Pure.

A ledger that charges lateness by itself does so by a line (QuickBooks: an item `Late fee`, help article L9jRuSrVi), and so do people. Where
one is seen that is not ours, our own charges stay away.
"""

import re

# "Interest" alone may be anything.
_LATE_FEE = re.compile(
    r"\b(?:late|overdue)[\s-]+(?:payment\s+)?(?:fee|charge|interest|penalty)|\bfinance\s+charge|\binterest\s+(?:on|for)\s+(?:late|overdue)"
    r"|\b(?:recargos?|inter[eé]s(?:es)?|cargos?|comisi[oó]n|penalizaci[oó]n(?:es)?)\s+(?:por|de)\s+"
    r"(?:mora|demora|impago|atraso|retraso|pago\s+(?:atrasado|tard[ií]o))"
    r"|\bintereses\s+moratorios|\bcompensaci[oó]n\s+por\s+costes\s+de\s+cobro"
    r"|\b(?:frais|p[eé]nalit[eé]s?|int[eé]r[eê]ts?)\s+de\s+retard|\bint[eé]r[eê]ts?\s+moratoires?|\bfrais\s+de\s+recouvrement"
    r"|\bmahngeb[uü]hr|\bverzugs(?:zins|pauschal|kosten)|\bs[aä]umnis(?:zuschl|geb)",
    re.IGNORECASE,
)


def names_late_fee(words: str, *, at_the_start: bool = False) -> bool:
    """Whether these words name a charge for lateness; `at_the_start`, for long texts: whether they begin by naming one."""
    return (_LATE_FEE.match if at_the_start else _LATE_FEE.search)(words) is not None
