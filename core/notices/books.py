"""The words that we leave in the books and on the work list: for the company's own people, in the company's language."""

from collections.abc import Mapping
from datetime import date

from ..dunning.facts import Action, ActionItem, TaskKind
from ..policy.schema import NoticeKind, Policy
from .display import format_date, money_text

_NOTICE: Mapping[str, Mapping[NoticeKind, str]] = {
    "es": {
        NoticeKind.BEFORE_DUE: "Aviso antes del vencimiento",
        NoticeKind.DUE: "Aviso de vencimiento",
        NoticeKind.REMINDER: "Recordatorio de pago",
        NoticeKind.SECOND: "Segundo recordatorio",
        NoticeKind.FIRM: "Requerimiento de pago",
        NoticeKind.FINAL: "Último aviso",
        NoticeKind.SUMMARY: "Resumen de facturas pendientes",
    },
    "en": {
        NoticeKind.BEFORE_DUE: "Notice before the due date",
        NoticeKind.DUE: "Notice on the due date",
        NoticeKind.REMINDER: "Payment reminder",
        NoticeKind.SECOND: "Second reminder",
        NoticeKind.FIRM: "Overdue notice",
        NoticeKind.FINAL: "Final demand",
        NoticeKind.SUMMARY: "Summary of open invoices",
    },
}

_WORDS: Mapping[str, Mapping[str, str]] = {
    "es": {
        "note": "Puntual: {notice} ({level}) enviado por correo a {address} el {day}. Pendiente: {outstanding}, vencimiento {due}.",
        "call": "Llamar a {customer}",
        "no_address": "Falta una dirección de correo de {customer}",
        "decide": "Decidir qué hacer con {customer}: se han enviado todos los avisos",
        "item": "- Factura {number}: {outstanding}, vencimiento {due}",
        "phone": "Teléfono: {phone}",
        "call_aim": "Objetivo de la llamada: saber si ha recibido la factura, si hay algún problema y cuándo prevé el pago.",
        "promise": "Pago anunciado para el {due}; no consta recibido.",
        "by_invoice": "Debe:",
    },
    "en": {
        "note": "Puntual: {notice} ({level}) sent by e-mail to {address} on {day}. Outstanding: {outstanding}, due {due}.",
        "call": "Call {customer}",
        "no_address": "There is no e-mail address for {customer}",
        "decide": "Decide what comes next for {customer}: every notice was sent",
        "item": "- Invoice {number}: {outstanding}, due {due}",
        "phone": "Phone: {phone}",
        "call_aim": "Aim of the call: learn whether the invoice arrived, whether anything is wrong, and when payment may be expected.",
        "promise": "Payment was announced for {due} and has not been recorded.",
        "by_invoice": "Owes:",
    },
}


def note_texts(action: Action, policy: Policy, as_of: date) -> dict[str, str]:
    """The note on each invoice of a notice that went out, by invoice id."""
    words, locale = _language(policy), policy.company.locale
    texts: dict[str, str] = {}
    for entry in action.items:
        notice = _NOTICE[words][action.notice] if action.notice else ""
        line = _WORDS[words]["note"].format(
            notice=notice,
            level=entry.level_key,
            address=action.recipient.email if action.recipient else "",
            day=format_date(as_of, locale),
            outstanding=money_text(entry.item.outstanding, locale),
            due=format_date(entry.item.due_date, locale),
        )
        texts[entry.item.invoice_id] = f"{texts[entry.item.invoice_id]}\n{line}" if entry.item.invoice_id in texts else line
    return texts


def task_texts(action: Action, policy: Policy) -> tuple[str, str]:
    """The summary and the briefing of a task for a person (docs/sources.md: what is owed, earlier agreements, the aim of the call)."""
    words = _WORDS[_language(policy)]
    task = action.task or TaskKind.DECIDE
    lines = [words["by_invoice"], *(_item_line(entry, policy) for entry in action.items)]
    lines += [words["promise"].format(due=format_date(day, policy.company.locale)) for day in sorted(_broken(action))]
    if task is TaskKind.CALL:
        lines += [words["phone"].format(phone=phone) for phone in _phones(action)] + [words["call_aim"]]
    return words[task.value].format(customer=action.customer.name), "\n".join(lines)


def _language(policy: Policy) -> str:
    language = policy.company.locale[:2].lower()
    return language if language in _WORDS else "en"


def _item_line(entry: ActionItem, policy: Policy) -> str:
    locale = policy.company.locale
    outstanding, due = money_text(entry.item.outstanding, locale), format_date(entry.item.due_date, locale)
    return _WORDS[_language(policy)]["item"].format(number=entry.item.number, outstanding=outstanding, due=due)


def _broken(action: Action) -> set[date]:
    return {entry.broken_promise_on for entry in action.items if entry.broken_promise_on}


def _phones(action: Action) -> list[str]:
    people = [
        f"{contact.phone} ({contact.name})" if contact.name else contact.phone for contact in action.customer.contacts if contact.phone
    ]
    return list(dict.fromkeys([action.customer.phone, *people] if action.customer.phone else people))
