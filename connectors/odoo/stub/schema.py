"""The fields that each model has, by version. A field that is not here is unknown, and asking for it fails the whole question."""

from collections.abc import Mapping

ALL = frozenset({16, 17, 18, 19})
_UNTIL_16, _UNTIL_17, _UNTIL_18 = frozenset({16}), frozenset({16, 17}), frozenset({16, 17, 18})
_FROM_17, _FROM_18, _FROM_19 = frozenset({17, 18, 19}), frozenset({18, 19}), frozenset({19})

_COMMON = {"id": "integer", "display_name": "char", "create_date": "datetime", "write_date": "datetime"}

_MODELS: Mapping[str, Mapping[str, str]] = {
    "account.move": {
        "name": "char", "move_type": "selection", "state": "selection", "payment_state": "selection", "partner_id": "many2one:res.partner",
        "commercial_partner_id": "many2one:res.partner", "currency_id": "many2one:res.currency", "company_id": "many2one:res.company",
        "journal_id": "many2one:account.journal", "invoice_date": "date", "date": "date", "invoice_date_due": "date",
        "amount_total": "monetary", "amount_residual": "monetary", "amount_total_signed": "monetary", "ref": "char",
        "payment_reference": "char", "access_url": "char", "access_token": "char", "invoice_user_id": "many2one:res.users",
        "no_followup": "boolean", "invoice_pdf_report_file": "binary", "next_payment_date": "date", "amount_untaxed": "monetary",
        "invoice_origin": "char", "posted_before": "boolean", "invoice_payment_term_id": "many2one:account.payment.term",
        "fiscal_position_id": "many2one:account.fiscal.position", "debit_origin_id": "many2one:account.move",
        "invoice_line_ids": "one2many:account.move.line", "line_ids": "one2many:account.move.line", "amount_tax": "monetary",
        "reversed_entry_id": "many2one:account.move", "inalterable_hash": "char",
    },
    "account.move.line": {
        "move_id": "many2one:account.move", "move_name": "char", "move_type": "selection", "parent_state": "selection",
        "partner_id": "many2one:res.partner", "company_id": "many2one:res.company", "account_type": "selection",
        "currency_id": "many2one:res.currency", "name": "char", "ref": "char", "date": "date", "date_maturity": "date",
        "balance": "monetary", "amount_currency": "monetary", "amount_residual": "monetary", "amount_residual_currency": "monetary",
        "reconciled": "boolean", "display_type": "selection", "blocked": "boolean", "no_followup": "boolean",
        "product_id": "many2one:product.product", "account_id": "many2one:account.account", "quantity": "float", "price_unit": "float",
        "price_subtotal": "monetary", "price_total": "monetary", "discount": "float", "tax_ids": "many2many:account.tax",
        "tax_line_id": "many2one:account.tax", "discount_date": "date", "discount_amount_currency": "monetary",
    },
    "account.partial.reconcile": {
        "debit_move_id": "many2one:account.move.line", "credit_move_id": "many2one:account.move.line", "amount": "monetary",
        "debit_amount_currency": "monetary", "credit_amount_currency": "monetary", "max_date": "date",
    },
    "account.payment": {
        "name": "char", "state": "selection", "amount": "monetary", "currency_id": "many2one:res.currency", "date": "date", "ref": "char",
        "memo": "char", "payment_type": "selection", "partner_id": "many2one:res.partner", "journal_id": "many2one:account.journal",
        "move_id": "many2one:account.move", "company_id": "many2one:res.company",
    },
    "account.payment.register": {
        "journal_id": "many2one:account.journal", "amount": "monetary", "currency_id": "many2one:res.currency", "payment_date": "date",
        "communication": "char", "payment_difference_handling": "selection", "group_payment": "boolean",
        "line_ids": "many2many:account.move.line",
    },
    "account.journal": {"name": "char", "type": "selection", "code": "char", "company_id": "many2one:res.company"},
    "account.account": {
        "name": "char", "code": "char", "account_type": "selection", "company_id": "many2one:res.company",
        "company_ids": "many2many:res.company",
    },
    "account.tax": {
        "name": "char", "type_tax_use": "selection", "amount": "float", "price_include": "boolean", "active": "boolean",
        "company_id": "many2one:res.company",
    },
    "account.payment.term": {"name": "char", "company_id": "many2one:res.company"},
    "account.fiscal.position": {"name": "char", "company_id": "many2one:res.company"},
    "product.product": {"name": "char", "default_code": "char", "active": "boolean", "company_id": "many2one:res.company"},
    "res.partner": {
        "name": "char", "email": "char", "phone": "char", "mobile": "char", "lang": "char", "tz": "char", "vat": "char",
        "type": "selection",
        "country_code": "char", "category_id": "many2many:res.partner.category", "parent_id": "many2one:res.partner",
        "commercial_partner_id": "many2one:res.partner", "is_company": "boolean", "active": "boolean", "customer_rank": "integer",
        "partner_share": "boolean", "property_payment_term_id": "many2one:account.payment.term",
        "property_account_receivable_id": "many2one:account.account",
    },
    "res.partner.category": {"name": "char"},
    "res.currency": {"name": "char", "active": "boolean", "decimal_places": "integer"},
    "res.company": {
        "name": "char", "country_code": "char", "currency_id": "many2one:res.currency", "partner_id": "many2one:res.partner",
        "period_lock_date": "date", "fiscalyear_lock_date": "date", "tax_lock_date": "date", "sale_lock_date": "date",
        "hard_lock_date": "date", "user_fiscalyear_lock_date": "date", "user_tax_lock_date": "date", "user_sale_lock_date": "date",
        "user_hard_lock_date": "date",
    },
    "res.users": {
        "login": "char", "email": "char", "tz": "char", "lang": "char", "active": "boolean", "partner_id": "many2one:res.partner",
        "company_id": "many2one:res.company", "company_ids": "many2many:res.company", "groups_id": "many2many:res.groups",
        "group_ids": "many2many:res.groups",
    },
    "mail.message": {
        "model": "char", "res_id": "integer", "body": "html", "date": "datetime", "message_type": "selection", "is_internal": "boolean",
        "author_id": "many2one:res.partner", "subtype_id": "many2one:mail.message.subtype",
        "mail_activity_type_id": "many2one:mail.activity.type",
    },
    "mail.message.subtype": {"name": "char", "internal": "boolean"},
    "mail.activity.type": {"name": "char", "category": "selection"},
    "mail.activity": {
        "res_model": "char", "res_id": "integer", "summary": "char", "note": "html", "date_deadline": "date", "active": "boolean",
        "activity_type_id": "many2one:mail.activity.type", "user_id": "many2one:res.users",
    },
    "ir.config_parameter": {"key": "char", "value": "char"},
}  # fmt: skip

_ONLY: Mapping[tuple[str, str], frozenset[int]] = {
    ("account.move", "no_followup"): _FROM_19,
    ("account.move", "invoice_pdf_report_file"): _FROM_17,
    ("account.move", "next_payment_date"): _FROM_18,
    ("account.move.line", "move_type"): _FROM_17,
    ("account.move.line", "blocked"): _UNTIL_17,
    ("account.move.line", "no_followup"): _FROM_19,
    ("account.payment", "ref"): _UNTIL_17,
    ("account.payment", "memo"): _FROM_18,
    ("res.partner", "mobile"): _UNTIL_18,
    ("res.users", "groups_id"): _UNTIL_18,
    ("res.users", "group_ids"): _FROM_19,
    ("mail.activity", "active"): _FROM_18,
    ("account.account", "company_id"): _UNTIL_17,
    ("account.account", "company_ids"): _FROM_18,
    ("res.company", "period_lock_date"): _UNTIL_17,
    **{("res.company", field): _FROM_18 for field in ("sale_lock_date", "hard_lock_date")},
    **{("res.company", f"user_{kind}_lock_date"): _FROM_18 for kind in ("fiscalyear", "tax", "sale", "hard")},
}

COMPUTED_NOT_SEARCHABLE = frozenset({("account.move", "access_url"), ("account.move", "no_followup")})

LABELS = {
    "account.move": "Journal Entry", "account.move.line": "Journal Item", "account.partial.reconcile": "Partial Reconcile",
    "ir.config_parameter": "System Parameter", "account.account": "Account", "account.tax": "Tax", "account.payment": "Payments",
    "account.payment.register": "Pay",
}  # fmt: skip
ACCOUNTING = frozenset(
    {
        "account.move",
        "account.move.line",
        "account.partial.reconcile",
        "account.journal",
        "account.account",
        "account.tax",
        "account.payment",
        "account.payment.register",
    }
)
ADMINISTRATION = frozenset({"ir.config_parameter"})


def fields_of(model: str, version: int) -> Mapping[str, str]:
    """The fields of a model and their types (`many2one:res.partner`), in one version."""
    named = {**_COMMON, **_MODELS[model]}
    return {field: kind for field, kind in named.items() if version in _ONLY.get((model, field), ALL)}


def models() -> frozenset[str]:
    """The models there are."""
    return frozenset(_MODELS)
