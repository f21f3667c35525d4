"""What the API checks in the properties that it is sent, and what it makes of them."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from .faults import QboFault, business_rule, invalid_reference, missing, not_found, too_long, unsupported_property
from .posting import total_of
from .schema import DETAIL_TYPES, LINE_PROPERTIES, LONGEST, READ_ONLY, SALES_DETAIL
from .store import Row

if TYPE_CHECKING:
    from .company import Company

_ADDRESS = re.compile(r"[^@\s,]+@[^@\s,]+\.[^@\s,]+")
_DECIMALS = 5
_TEXTS_IN = {"CustomerMemo": "value", "BillEmail": "Address"}
_DATES = ("TxnDate", "DueDate", "ShipDate")


def writable(body: Mapping[str, Any], allowed: Collection[str]) -> Row:
    """The properties that are listened to. Raises QboFault for one that the entity does not have."""
    for name in body:
        if name not in allowed and name not in READ_ONLY:
            raise unsupported_property(name)
    return {name: value for name, value in body.items() if name in allowed}


def legible(company: "Company", text: str) -> str:
    """A text as the company can keep it: in the US in ISO-8859-1 only."""
    return text.encode("latin-1", "replace").decode("latin-1") if company.country == "US" else text


def checked_texts(company: "Company", values: Row) -> Row:
    """Values with their texts checked for length and made legible, and their dates read. Raises QboFault."""
    checked = dict(values)
    for name, value in values.items():
        if name in _TEXTS_IN and isinstance(value, Mapping):
            part = _TEXTS_IN[name]
            checked[name] = {**value, part: _text(company, name, value.get(part))}
        elif name in LONGEST:
            checked[name] = _text(company, name, value)
        elif name in _DATES and value:
            checked[name] = _date(name, value)
    _check_address(checked)
    if "DeliveryTime" in (values.get("DeliveryInfo") or {}) and not values["DeliveryInfo"]["DeliveryTime"]:
        raise unsupported_property("DeliveryTime")
    return checked


def _text(company: "Company", name: str, value: Any) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise unsupported_property(name)
    if len(value) > LONGEST[name]:
        raise too_long(name, LONGEST[name], len(value))
    return legible(company, value)


def _date(name: str, value: Any) -> date:
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise unsupported_property(name) from None


def _check_address(values: Row) -> None:
    address = (values.get("BillEmail") or {}).get("Address")
    if address and not all(_ADDRESS.fullmatch(each.strip()) for each in address.split(",")):
        raise QboFault("2210", "Invalid Email Address format", "Email Address does not conform to the syntax rules of RFC 822.")


def checked_amount(name: str, value: Any) -> Decimal:
    """A number, also as a text, with five decimals at most. Raises QboFault."""
    try:
        amount = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > _DECIMALS:
        raise QboFault("2090", "Invalid Number", f"Invalid Number : {value}", element=name)
    return amount


def checked_reference(company: "Company", entity: str, reference: Any) -> Row:
    """The row that a reference leads to. Raises QboFault: 2500 when it leads nowhere, 610 when it was made inactive."""
    if not isinstance(reference, Mapping) or not isinstance(reference.get("value"), str):
        raise missing(f"{entity}Ref.value")
    row = company.store.find(entity, reference["value"])
    if row is None:
        raise invalid_reference(entity, reference["value"])
    if row.get("Active") is False:
        raise not_found()
    return row


def checked_lines(company: "Company", lines: Any, known: Collection[str]) -> list[Row]:
    """The lines as they are kept; `known` are the Ids that may come back. Raises QboFault."""
    if not isinstance(lines, list) or not lines:
        raise missing("Line")
    kept = [_checked_line(company, line, known) for line in lines if not _is_subtotal(line)]
    if not kept or total_of(kept) < 0:
        raise business_rule("You must specify a transaction amount that is 0 or greater.")
    return kept


def _is_subtotal(line: Any) -> bool:
    return isinstance(line, Mapping) and line.get("DetailType") == "SubTotalLineDetail"


def _checked_line(company: "Company", line: Any, known: Collection[str]) -> Row:
    if not isinstance(line, Mapping) or "DetailType" not in line:
        raise missing("Line.DetailType")
    for name in line:
        if name not in LINE_PROPERTIES:
            raise unsupported_property(name)
    if line["DetailType"] not in DETAIL_TYPES:
        raise unsupported_property("DetailType")
    if line.get("Id") and line["Id"] not in known:
        raise QboFault("2030", "Invalid ID", f"Invalid ID : Line Id {line['Id']} is not a line of this transaction")
    kept = checked_texts(company, {name: line[name] for name in ("Id", "Description", "DetailType", "LinkedTxn") if name in line})
    return kept | _detail(company, line)


def _detail(company: "Company", line: Mapping[str, Any]) -> Row:
    kind = line["DetailType"]
    if kind == "SalesItemLineDetail":
        return _sales_detail(company, line)
    if kind == "DiscountLineDetail":
        return {"Amount": checked_amount("Amount", line.get("Amount", 0)), "DiscountLineDetail": dict(line.get("DiscountLineDetail") or {})}
    if kind == "GroupLineDetail":
        group = dict(line.get("GroupLineDetail") or {})
        inner = [_checked_line(company, each, {each.get("Id")}) for each in group.get("Line", [])]
        return {"GroupLineDetail": {**group, "Line": inner}, "Amount": total_of(inner)}
    return {}


def _sales_detail(company: "Company", line: Mapping[str, Any]) -> Row:
    detail = line.get("SalesItemLineDetail")
    if not isinstance(detail, Mapping):
        raise missing("Line.SalesItemLineDetail")
    for name in detail:
        if name not in SALES_DETAIL:
            raise unsupported_property(name)
    if "Amount" not in line:
        raise missing("Line.Amount")
    amount = checked_amount("Amount", line["Amount"])
    if not detail.get("ItemRef"):
        # Without an item it is a remark on the document, and its amount is not listened to.
        return {"DetailType": "DescriptionOnly"}
    item = checked_reference(company, "Item", detail["ItemRef"])
    quantity, price = (checked_amount(name, detail[name]) if name in detail else None for name in ("Qty", "UnitPrice"))
    if quantity is not None and price is not None and quantity * price != amount:
        text = f"Amount is not equal to UnitPrice * Qty. Supplied value:{amount}"
        raise QboFault("6070", "Amount calculation incorrect in the request", text)
    kept = {**detail, "ItemRef": company.item_ref(item["Id"]), "TaxCodeRef": {"value": _tax_code(company, detail)}}
    kept |= {name: value for name, value in (("Qty", quantity), ("UnitPrice", price)) if value is not None}
    return {"Amount": amount, "SalesItemLineDetail": kept}


def _tax_code(company: "Company", detail: Mapping[str, Any]) -> str:
    code = str((detail.get("TaxCodeRef") or {}).get("value") or "")
    if not code and company.country == "US":
        return "NON"
    if not code:
        raise business_rule("Make sure all your transactions have a VAT rate before you save.")
    if code not in company.tax_rates:
        raise invalid_reference("TaxCode", code)
    return code
