"""The words of real exports: names of files and columns, states, yes and no, in English and Spanish. Compared without case, accents,
blanks and punctuation."""

import re
import unicodedata
from functools import lru_cache

from babel import Locale

_NO_WORD = re.compile(r"[\W_]+")

KINDS = ("customers", "contacts", "payments", "credit_notes", "allocations", "invoices")

FILE_NAMES = {
    "customers": ("customers", "clients", "clientes"),
    "contacts": ("contacts", "contactos"),
    "invoices": ("invoices", "facturas"),
    "payments": ("payments", "receipts", "pagos", "cobros"),
    "credit_notes": ("credit_notes", "credit-notes", "creditnotes", "abonos", "rectificativas"),
    "allocations": ("allocations", "imputaciones", "aplicaciones"),
}
FILE_SUFFIXES = (".csv", ".tsv", ".txt")

_CUSTOMER_REFERENCE = (
    "customer id, customer no, customer number, customer code, client id, client no, client code, account no, id cliente, \
nº cliente, n cliente, num cliente, número de cliente, código cliente, código de cliente, cod cliente, customer, client, account, \
cliente, partner"
)
_EMAIL = "email, e-mail, mail, email address, customer email, client email, correo, correo electrónico, correo e, dirección de correo, \
correo cliente"
_PHONE = "phone, telephone, phone number, mobile, teléfono, tel, móvil, teléfono móvil"
_LANGUAGE = "language, lang, locale, idioma, lengua"
_COUNTRY = "country, country code, customer country, país, código país, cod país"
_GROUPS = "groups, group, tags, tag, category, segment, grupo, grupos, etiquetas, categoría, segmento"
_CURRENCY = "currency, currency code, ccy, moneda, divisa, cod divisa, código moneda"
_REFERENCE = "reference, ref, po number, purchase order, customer reference, your reference, referencia, su referencia, su pedido, pedido"
_DO_NOT_CHASE = "do not chase, do not contact, no reminders, exclude, no reclamar, no reclamar pago, excluir, no recordar"
_STATUS = "status, state, invoice status, payment status, estado, situación"
_INVOICE_NUMBER = (
    "invoice number, invoice no, invoice nr, invoice num, nº factura, n factura, número factura, número de factura, núm factura, \
num factura, nº de factura, factura nº, invoice, factura, document number, document no, doc no, nº documento, documento, number, \
número, núm, \
no, nr, num, nº"
)

_CUSTOMER_TRAITS = {
    "email": _EMAIL,
    "phone": _PHONE,
    "language": _LANGUAGE,
    "country": _COUNTRY,
    "groups": _GROUPS,
    "parent": "parent, parent id, parent customer, head office, matriz, cliente matriz, empresa matriz",
}

_NAMES: dict[str, dict[str, str]] = {
    "customers": {
        "id": "id, " + _CUSTOMER_REFERENCE + ", code, código, number, número, nif, cif, tax id, vat number",
        "name": "name, customer name, company, company name, client name, nombre, razón social, nombre cliente, nombre fiscal, empresa",
        **_CUSTOMER_TRAITS,
        "do_not_chase": _DO_NOT_CHASE,
        "procedure": "procedure, dunning procedure, procedimiento",
        "business": "business, is business, is company, es empresa",
    },
    "contacts": {
        "id": "id, contact id, id contacto",
        "customer": _CUSTOMER_REFERENCE + ", customer name, company, empresa, nombre cliente, nif",
        "name": "name, contact, contact name, full name, nombre, contacto, persona de contacto",
        "email": _EMAIL,
        "phone": _PHONE,
        "role": "role, type, function, department, rol, tipo, cargo, función, departamento",
        "language": _LANGUAGE,
    },
    "invoices": {
        "id": "id, invoice id, document id, internal id, id factura, id documento",
        "number": _INVOICE_NUMBER,
        "kind": "document type, doc type, transaction type, tipo documento, tipo de documento, clase documento",
        "customer": _CUSTOMER_REFERENCE + ", nif, cif, nif cliente, cif cliente, tax id, vat number",
        "customer_name": "customer name, client name, company, company name, account name, bill to, name, nombre cliente, \
nombre del cliente, razón social, \
nombre, nombre fiscal, empresa, customer, client, cliente",
        **_CUSTOMER_TRAITS,
        "contact": "contact, contact id, attention, contacto, id contacto, a la atención de",
        "issued_on": "invoice date, issue date, issued on, issued, date, document date, date issued, billing date, fecha factura, \
fecha de factura, \
fecha emisión, fecha de emisión, fecha expedición, fecha de expedición, fecha, emisión, fecha documento",
        "due_date": "due date, due, due on, payment due, payment due date, date due, net due date, fecha vencimiento, \
fecha de vencimiento, vencimiento, vto, \
fecha vto, vence",
        "terms_days": "terms days, payment terms, terms, net days, plazo, condiciones de pago, plazo de pago, días de pago",
        "total": "total, total amount, invoice total, grand total, gross amount, amount gross, invoice amount, amount incl vat, \
total incl vat, amount, \
importe total, total factura, importe factura, total con iva, importe con iva, importe bruto, importe",
        "outstanding": "outstanding, amount due, balance due, balance, open amount, amount outstanding, outstanding amount, \
open balance, remaining, unpaid, \
residual, pendiente, importe pendiente, saldo pendiente, saldo, pendiente de cobro, pendiente de pago",
        "paid": "paid, amount paid, paid amount, pagado, cobrado, importe pagado, importe cobrado",
        "currency": _CURRENCY,
        "status": _STATUS,
        "settled_on": "settled on, settled date, settlement date, paid on, date paid, payment date, paid date, clearing date, \
closed on, fecha cobro, \
fecha de cobro, fecha pago, fecha de pago, fecha liquidación, cobrada el, pagada el",
        "settled_amount": "settled amount, amount settled, settlement amount, importe liquidado",
        "disputed": "disputed, dispute, in dispute, is disputed, en disputa, disputa, disputada, reclamada, impugnada, incidencia",
        "disputed_until": "disputed until, dispute until, dispute resolved, dispute resolved on, dispute end, fin disputa, \
disputa hasta, disputa resuelta",
        "do_not_chase": _DO_NOT_CHASE,
        "reference": _REFERENCE,
        "page_url": "page url, payment link, pay link, payment url, invoice link, invoice url, enlace de pago, enlace pago, url",
        "discount_until": "discount until, discount date, discount due date, early payment until, early payment date, \
early discount until, early discount date, pronto pago hasta, fecha pronto pago, fecha de pronto pago, descuento hasta, fecha descuento, \
fecha de descuento, fecha descuento pronto pago",
        "discount_days": "discount days, early payment days, early discount days, días pronto pago, días de pronto pago, días descuento, \
días de descuento, días descuento pronto pago",
        "discount_amount": "early payment discount, early discount, early discount amount, early payment discount amount, cash discount, \
settlement discount, descuento pronto pago, descuento por pronto pago, dto pronto pago, dto por pronto pago, importe pronto pago, \
importe descuento pronto pago, dpp",
        "discount_percent": "early payment discount percent, early discount percent, early payment percent, cash discount percent, \
settlement discount percent, porcentaje pronto pago, porcentaje descuento pronto pago, porcentaje de pronto pago, tipo pronto pago",
        "instalment": "instalment, installment, instalment no, part, plazo nº, nº plazo, cuota, nº vencimiento, nº efecto, efecto",
    },
    "payments": {
        "id": "id, payment id, payment no, payment number, receipt no, number, transaction id, nº cobro, nº pago, id pago, id cobro, \
número",
        "customer": _CUSTOMER_REFERENCE + ", customer name, payer, nombre cliente, nif",
        "paid_on": "paid on, payment date, date, date paid, received on, value date, fecha cobro, fecha de cobro, fecha pago, \
fecha de pago, fecha, fecha valor",
        "amount": "amount, total, payment amount, paid, received, importe, importe cobrado, importe pagado, cantidad",
        "currency": _CURRENCY,
        "invoice": "invoice, invoice number, invoice no, invoice id, applied to, factura, nº factura, número factura, \
número de factura, factura nº",
        "unapplied": "unapplied, unallocated, unapplied amount, on account, sin aplicar, sin imputar, a cuenta",
        "reference": "reference, ref, memo, description, concepto, referencia, descripción",
        "status": _STATUS,
    },
    "credit_notes": {
        "id": "id, credit note id, document id, id abono",
        "number": "number, credit note number, credit note no, credit note, no, nº abono, abono, número, nº, nº rectificativa, \
rectificativa",
        "customer": _CUSTOMER_REFERENCE + ", customer name, nombre cliente, nif",
        "issued_on": "issued on, credit note date, issue date, date, fecha, fecha abono, fecha emisión, fecha de emisión",
        "total": "total, amount, total amount, importe, importe total",
        "remaining": "remaining, balance, unapplied, open amount, remaining credit, unallocated, pendiente, saldo, sin aplicar",
        "currency": _CURRENCY,
        "invoice": "invoice, invoice number, invoice no, invoice id, applied to, original invoice, factura, nº factura, \
factura rectificada, factura original",
        "reference": "reference, ref, memo, description, concepto, referencia, descripción",
        "status": _STATUS,
    },
    "allocations": {
        "id": "id, allocation id",
        "invoice": _INVOICE_NUMBER + ", invoice id, id factura",
        "source": "source, payment, payment id, credit note, credit note id, payment no, origen, pago, cobro, abono, id pago, id cobro, \
id abono",
        "kind": "kind, source kind, source type, type, tipo, clase",
        "amount": "amount, allocated, amount applied, allocated amount, importe, importe aplicado",
        "currency": _CURRENCY,
        "allocated_on": "allocated on, date, allocation date, applied on, fecha, fecha aplicación",
    },
}

REQUIRED_CHOICES: dict[str, tuple[tuple[str, ...], ...]] = {
    "customers": (("id", "name"),),
    "contacts": (("customer",), ("email", "phone", "name")),
    "invoices": (("number", "id"), ("customer", "customer_name"), ("total", "outstanding"), ("due_date", "issued_on")),
    "payments": (("amount",), ("paid_on",), ("customer", "invoice")),
    "credit_notes": (("number", "id"), ("total",), ("issued_on",), ("customer", "invoice")),
    "allocations": (("invoice",), ("source",), ("amount",)),
}
"""Of each group at least one field must have a column or a constant."""

DATES = frozenset({"issued_on", "due_date", "settled_on", "disputed_until", "discount_until", "paid_on", "allocated_on"})
AMOUNTS = frozenset(
    {"total", "outstanding", "paid", "settled_amount", "discount_amount", "discount_percent", "amount", "unapplied", "remaining"}
)

FOOTERS = frozenset({"total", "totals", "totales", "subtotal", "subtotales", "suma", "sumas", "sum", "sums"})


@lru_cache(maxsize=65536)
def plain(text: str) -> str:
    """The text without case, accents, blanks and punctuation: `Nº Factura` and `n_factura` differ, `Due Date` and `due_date` do not."""
    split = unicodedata.normalize("NFKD", text.replace("º", "o").replace("#", " no ")).casefold()
    return _NO_WORD.sub("", "".join(char for char in split if not unicodedata.combining(char)))


def known_names(kind: str, field: str) -> tuple[str, ...]:
    """The column names by which a field is known, as a person would write them, the likeliest first."""
    listed = tuple(name.strip() for name in _NAMES[kind][field].split(","))
    return listed if plain(field) in {plain(name) for name in listed} else (field, *listed)


FIELDS: dict[str, tuple[str, ...]] = {kind: tuple(names) for kind, names in _NAMES.items()}
KNOWN_COLUMNS: dict[str, dict[str, tuple[str, ...]]] = {
    kind: {field: tuple(dict.fromkeys(plain(name) for name in known_names(kind, field))) for field in fields}
    for kind, fields in _NAMES.items()
}
"""By kind and field: the plain column names by which it is known, the likeliest first."""


def _lookup(words: dict[str, str]) -> dict[str, str]:
    return {plain(word): meaning for meaning, listed in words.items() for word in listed.split(",")}


YES_NO = _lookup({"yes": "yes, y, true, sí, si, s, verdadero, x, 1", "no": "no, n, false, falso, 0, none, ninguno, ninguna, nunca"})
STATUSES = _lookup(
    {
        "open": "open, unpaid, sent, posted, issued, approved, authorised, authorized, overdue, past due, partial, partially paid, \
part paid, pending, due, \
outstanding, not paid, awaiting payment, submitted, viewed, abierta, pendiente, emitida, enviada, vencida, parcial, pago parcial, \
cobro parcial, \
no pagada, no cobrada, impagada, contabilizada, devuelta",
        "paid": "paid, settled, closed, cleared, fully paid, paid in full, pagada, pagado, cobrada, cobrado, liquidada, saldada, cerrada",
        "void": "void, voided, cancelled, canceled, written off, anulada, anulado, cancelada, cancelado",
        "draft": "draft, proforma, pro forma, borrador",
    }
)
ENTERED = frozenset(_lookup({"entered": "entered, booked, registrado, registrada, contabilizado, contabilizada, asentado, asentada"}))
"""In our own files: the company has it in its own books."""
ROLES = _lookup(
    {
        "invoice": "invoice, invoices, billing, invoicing, facturación, facturas, factura",
        "accounts_payable": "accounts payable, accounts_payable, ap, payables, finance, accounting, pagos, contabilidad, \
administración, proveedores, \
cuentas por pagar, tesorería",
        "escalation": "escalation, management, director, gerencia, dirección, gerente, escalado",
        "general": "general, main, other, contact, principal, otro, otros, contacto, ventas, compras, sales, purchasing",
    }
)
DOCUMENT_KINDS = _lookup(
    {
        "invoice": "invoice, inv, sales invoice, bill, factura, fra, fac, factura de venta, ordinaria",
        "credit_note": "credit note, credit memo, credit, cn, refund, abono, factura rectificativa, rectificativa, nota de crédito, \
nota de abono",
    }
)
SOURCE_KINDS = _lookup(
    {"payment": "payment, receipt, pago, cobro", "credit_note": "credit note, credit memo, abono, rectificativa, nota de crédito"}
)


@lru_cache(maxsize=4)
def _names_of(what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for language in ("es", "en"):
        for code, name in getattr(Locale(language), what).items():
            found.setdefault(plain(name), code)
    return found


@lru_cache(maxsize=1024)
def country_code(text: str) -> str:
    """ISO 3166-1 alpha-2 code of a code or of an English or Spanish name (CLDR); empty when it is none."""
    code = text.strip().upper()
    if code in Locale("en").territories and len(code) == 2 and code.isalpha():
        return code
    found = _names_of("territories").get(plain(text), "")
    return found if len(found) == 2 and found.isalpha() else ""


@lru_cache(maxsize=1024)
def language_tag(text: str) -> str:
    """The language tag of a tag or locale (es, es_ES, en-GB) or of an English or Spanish name (CLDR); empty when it is none."""
    language, _, region = text.strip().replace("_", "-").partition("-")
    if language.lower() in Locale("en").languages:
        return f"{language.lower()}-{region.upper()}" if len(region) == 2 else language.lower()
    return _names_of("languages").get(plain(text), "").replace("_", "-")
