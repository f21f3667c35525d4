"""What follows from documents: totals from lines, balances from what was paid and credited, the customers' balances."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .store import ZERO, Row, Store

_CENT = Decimal("0.01")
LINKING_NOTE = "Created by QB Online to link credits to charges."


class Posting:
    """Keeps the amounts of a company's documents in agreement."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._uses: dict[tuple[str, str], dict[str, Decimal]] = defaultdict(dict)
        self.payments_bump_versions = True
        """Whether a payment moves the SyncToken of its invoice, besides the time. Nothing says which."""

    def used_on(self, kind: str, key: str) -> Mapping[str, Decimal]:
        """What payments use on an invoice, or of a credit memo, by the payment's id."""
        return dict(self._uses[kind, key])

    def new_sale(self, row: Row, lines: Sequence[Row], tax: Row) -> None:
        """Give an invoice or a credit memo its lines and its tax; total and balance follow."""
        row["Line"] = list(lines)
        row["TxnTaxDetail"] = tax
        row["TotalAmt"] = total_of(lines) + tax["TotalTax"]

    def settle(self, kind: str, row: Row) -> None:
        """The balance of an invoice or credit memo, from its total and its uses."""
        before = row.get("Balance", ZERO)
        uses = self._uses[kind, row["Id"]]
        row["Balance"] = row["TotalAmt"] - sum(uses.values(), ZERO)
        row["LinkedTxn"] = [link for link in row.get("LinkedTxn", []) if link["TxnType"] != "Payment"]
        row["LinkedTxn"] += [{"TxnId": payment, "TxnType": "Payment"} for payment in uses]
        if kind == "CreditMemo":
            row["RemainingCredit"] = row["Balance"]
        if "ExchangeRate" in row:
            row["HomeTotalAmt"] = at_home(row, row["TotalAmt"])
            row["HomeBalance"] = at_home(row, row["Balance"])
        sign = 1 if kind == "Invoice" else -1
        self._move(row, sign * (row["Balance"] - before))

    def set_uses(self, payment: Row, uses: Sequence[tuple[str, str, Decimal]]) -> None:
        """Give a payment its lines: kind, id and amount of every document it is used on. All documents concerned follow."""
        concerned: dict[tuple[str, str], None] = dict.fromkeys(self._links(payment))
        for link in concerned:
            self._uses[link].pop(payment["Id"], None)
        payment["Line"] = [self._line(kind, key, amount) for kind, key, amount in uses]
        for kind, key, amount in uses:
            self._uses[kind, key][payment["Id"]] = amount
            concerned[kind, key] = None
        self._settle_payment(payment)
        for kind, key in concerned:
            row = self._store.find(kind, key)
            if row is not None:
                self.settle(kind, row)
                self._store.touch(row, bump=self.payments_bump_versions)

    def uses_of(self, payment: Row) -> list[tuple[str, str, Decimal]]:
        """What `set_uses` gave a payment."""
        return [(each["LinkedTxn"][0]["TxnType"], each["LinkedTxn"][0]["TxnId"], each["Amount"]) for each in payment["Line"]]

    def forget(self, row: Row, balance: str, sign: int) -> None:
        """A document is deleted: its balance counts no more."""
        self._move(row, -sign * row.get(balance, ZERO))

    def _links(self, payment: Row) -> list[tuple[str, str]]:
        return [(kind, key) for kind, key, _amount in self.uses_of(payment)] if payment.get("Line") else []

    def _settle_payment(self, payment: Row) -> None:
        before = payment.get("UnappliedAmt", ZERO)
        used = sum((amount if kind == "Invoice" else -amount for kind, _key, amount in self.uses_of(payment)), ZERO)
        payment["UnappliedAmt"] = payment["TotalAmt"] - used
        self._move(payment, before - payment["UnappliedAmt"])

    def _line(self, kind: str, key: str, amount: Decimal) -> Row:
        row = self._store.get(kind, key)
        facts = {"txnId": key, "txnOpenBalance": str(row["Balance"]), "txnReferenceNumber": str(row.get("DocNumber") or "")}
        extra = [
            {"name": "{http://schema.intuit.com/finance/v3}NameValue", "declaredType": "com.intuit.schema.finance.v3.NameValue",
             "scope": "javax.xml.bind.JAXBElement$GlobalScope", "value": {"Name": name, "Value": value}, "nil": False,
             "globalScope": True, "typeSubstituted": False}
            for name, value in facts.items()
        ]  # fmt: skip
        return {"Amount": amount, "LinkedTxn": [{"TxnId": key, "TxnType": kind}], "LineEx": {"any": extra}}

    def _move(self, row: Row, by: Decimal) -> None:
        customer = self._store.get("Customer", row["CustomerRef"]["value"])
        customer["Balance"] += by


def total_of(lines: Iterable[Row]) -> Decimal:
    """What lines come to, without tax."""
    total = ZERO
    for line in lines:
        if line["DetailType"] == "SalesItemLineDetail":
            total += line["Amount"]
        elif line["DetailType"] == "DiscountLineDetail":
            total -= line["Amount"]
        elif line["DetailType"] == "GroupLineDetail":
            total += total_of(line["GroupLineDetail"].get("Line", []))
    return total


def at_home(row: Row, amount: Decimal) -> Decimal:
    """An amount of a document in the company's own currency."""
    rate: Decimal = row.get("ExchangeRate", Decimal(1))
    return amount if rate == 1 else (amount * rate).quantize(_CENT, ROUND_HALF_UP)


def sale_line(amount: Decimal, item: Mapping[str, str], description: str, tax_code: str) -> Row:
    """A line that sells one of an item."""
    detail: dict[str, Any] = {"ItemRef": dict(item), "Qty": Decimal(1), "UnitPrice": amount, "TaxCodeRef": {"value": tax_code}}
    return {"DetailType": "SalesItemLineDetail", "Amount": amount, "Description": description, "SalesItemLineDetail": detail}


def numbered(lines: Iterable[Row]) -> list[Row]:
    """Lines with their Ids (kept where there is one) and numbers."""
    several = list(lines)
    last = max((int(line["Id"]) for line in several if line.get("Id")), default=0)
    answer = []
    for place, line in enumerate(several, start=1):
        if not line.get("Id"):
            last += 1
        answer.append({**line, "Id": line.get("Id") or str(last), "LineNum": place})
    return answer
