"""Credit memos, and the payments that use them: what the API makes of them. It changes neither here; a credit memo may be deleted."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from .books import QboBooks, Use
from .checks import checked_amount, checked_lines, checked_reference, checked_texts, writable
from .company import UNDEPOSITED
from .faults import QboFault, business_rule, invalid_reference, missing, period_closed
from .schema import CREDIT_MEMO_WRITABLE, PAYMENT_WRITABLE
from .store import Row

_LINKED = ("Invoice", "CreditMemo")
_TAKES_DEPOSITS = ("Bank", "Other Current Asset")


class Crediting:
    """Creates, with the checks of the API and the consequences of the books. All raise QboFault."""

    def __init__(self, books: QboBooks) -> None:
        self._books = books

    def create(self, entity: str, body: Mapping[str, Any]) -> Row:
        """A credit memo or a payment, as it is shown afterwards."""
        values = checked_texts(self._books, writable(body, CREDIT_MEMO_WRITABLE if entity == "CreditMemo" else PAYMENT_WRITABLE))
        customer = checked_reference(self._books, "Customer", values.get("CustomerRef"))
        given = (values.get("CurrencyRef") or {}).get("value")
        if given is not None and given != self._books.currency_of(customer):
            raise business_rule("The currency of the transaction must be the currency of the customer.")
        values.setdefault("TxnDate", self._books.today())
        if self._books.is_closed(values["TxnDate"]):
            raise period_closed(self._books.closed_code)
        values["CustomerRef"] = self._books.customer_ref(customer["Id"])
        values |= self._books.currency_values(self._books.currency_of(customer))
        made = self._credit_memo(values) if entity == "CreditMemo" else self._payment(values)
        return self._books.shown(entity, made)

    def _credit_memo(self, values: Row) -> Row:
        lines = checked_lines(self._books, values.pop("Line", None), ())
        tax = values.pop("TxnTaxDetail", None)
        row: Row = {"DocNumber": self._books.take_number(), "LinkedTxn": [], **values}
        self._books.write_lines(row, lines, tax)
        made = self._books.store.add("CreditMemo", row)
        self._books.posting.settle("CreditMemo", made)
        self._books.use_new_credit(made)
        return made

    def _payment(self, values: Row) -> Row:
        if "TotalAmt" not in values:
            raise missing("TotalAmt")
        total = checked_amount("TotalAmt", values.pop("TotalAmt"))
        if total:
            values["DepositToAccountRef"] = self._deposited(values.get("DepositToAccountRef"))
        lines = values.pop("Line", [])
        uses = [self._use(line, values["CustomerRef"]["value"]) for line in lines]
        if sum((amount if kind == "Invoice" else -amount for kind, _key, amount in uses), Decimal(0)) > total:
            raise business_rule("The amount that is applied is more than the payment and its credits.")
        customer, on = values.pop("CustomerRef")["value"], values.pop("TxnDate")
        key = self._books.add_payment(customer, total, on=on, uses=uses, **values)
        return self._books.store.get("Payment", key)

    def _deposited(self, given: Any) -> Row:
        """The account that the money goes to: Undeposited Funds unless another is given, which has to be of a type that takes deposits."""
        usual = next(row for row in self._books.store.rows("Account") if row["Name"] == UNDEPOSITED)
        account = usual if given is None else checked_reference(self._books, "Account", given)
        if account["AccountType"] not in _TAKES_DEPOSITS:
            raise business_rule("The account that you deposit to has to be a bank account or an other current asset account.")
        return {"value": account["Id"], "name": account["Name"]}

    def _use(self, line: Mapping[str, Any], customer: str) -> Use:
        """Kind, id and amount of what a line is used on: a document of the same customer, and no more than is left of it."""
        links = line.get("LinkedTxn")
        if not isinstance(links, list) or len(links) != 1 or links[0].get("TxnType") not in _LINKED:
            raise missing("Line.LinkedTxn")
        kind, key = str(links[0]["TxnType"]), str(links[0].get("TxnId"))
        row = self._books.store.find(kind, key)
        if row is None:
            raise invalid_reference("Txn", key)
        if row["CustomerRef"]["value"] != customer:
            raise QboFault("620", "Transaction is not linkable", "The transaction is another customer's and cannot be linked.")
        amount = checked_amount("Amount", line.get("Amount"))
        if not 0 < amount <= row["Balance"]:
            raise business_rule("The amount that is applied is more than the open balance of the transaction.")
        return kind, key, amount
