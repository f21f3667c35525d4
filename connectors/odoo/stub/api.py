"""What the external API lets a user do: the methods this stand-in knows, with their arguments, rights and refusals."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from .books import StubBooks
from .domain import Row
from .faults import OdooFault, access_error, missing_error, no_method, value_error, wrong_arguments
from .invoicing import Invoicing
from .paying import Paying
from .schema import ACCOUNTING, ADMINISTRATION, LABELS, models

_XML_IDS = {"mail.mt_note": ("mail.message.subtype", 2), "mail.mt_comment": ("mail.message.subtype", 1)}
_RECORD_METHODS = frozenset(
    {
        "read", "get_portal_url", "activity_schedule", "action_post", "unlink", "write", "button_cancel", "js_assign_outstanding_line",
        "action_create_payments",
    }
)  # fmt: skip
_FORMS = frozenset({"account.payment.register"})


class Api:
    """Calls of users on the books."""

    def __init__(self, books: StubBooks) -> None:
        self.books = books
        self._store = books.store
        self._invoicing = Invoicing(books)
        self._paying = Paying(books, self._invoicing)
        self._methods: Mapping[str, Callable[..., Any]] = {
            "search_read": self._search_read,
            "search_count": self._search_count,
            "read": self._read,
            "fields_get": self._fields_get,
            "create": self._create,
            "context_get": self._context_get,
            "check_object_reference": self._check_object_reference,
            "get_portal_url": self._get_portal_url,
            "activity_schedule": self._activity_schedule,
            "action_post": self._action_post,
            "unlink": self._unlink,
            "write": self._write,
            "button_cancel": self._button_cancel,
            "js_assign_outstanding_line": self._js_assign_outstanding_line,
            "action_create_payments": self._action_create_payments,
        }

    def authenticate(self, login: Any, secret: Any) -> int | bool:
        """The user's id, False when login and key do not match: a refusal that is no exception."""
        known = login == self.books.login and secret == self.books.api_key
        return self.books.bot if known else False

    def user_of_key(self, secret: str) -> int:
        """Whose key this is. Raises OdooFault."""
        if secret != self.books.api_key:
            raise OdooFault("werkzeug.exceptions.Unauthorized", "Invalid apikey", 401)
        return self.books.bot

    def call(self, user: int, model: str, method: str, ids: Sequence[int] | None, named: Mapping[str, Any]) -> Any:
        """One call is one transaction: all of it or nothing. Raises OdooFault."""
        if model not in models() and model != "ir.model.data":
            raise OdooFault("odoo.exceptions.UserError", f"Object {model} doesn't exist", 404)
        handler = self._methods.get(method)
        if handler is None or method.startswith("_"):
            raise no_method(model, method)
        if (method in _RECORD_METHODS) != (ids is not None):
            raise wrong_arguments(f"{model}.{method}: ids {'are missing' if ids is None else 'on a method of the model'}")
        self._may(user, model)
        if not set((named.get("context") or {}).get("allowed_company_ids") or ()) <= set(self._companies_of(user)):
            raise access_error("res.company", "Companies")
        rest = {name: value for name, value in named.items() if name != "context"}
        given = {"user": user, "model": model, "context": named.get("context") or {}, **({} if ids is None else {"ids": list(ids)}), **rest}
        try:
            inspect.signature(handler).bind(**given)
        except TypeError as error:
            # What `search_read` does not know goes on to the method that shapes rows, which complains in its own name.
            complaining = "BaseModel._read_format" if method == "search_read" else f"{model}.{method}"
            raise wrong_arguments(f"{complaining}() {error}") from None
        with self._store.transaction():
            return handler(**given)

    # --- rights ---------------------------------------------------------------------------------------------------------------

    def _may(self, user: int, model: str) -> None:
        if model in ADMINISTRATION or (model in ACCOUNTING and not self.books.has_accounting(user)):
            raise access_error(model, LABELS.get(model, model))

    def _visible(self, user: int, model: str, row: Row, context: Row | None = None) -> bool:
        """Whether the record rules of companies show a row; one without a company belongs to all."""
        if model == "res.users" or not {"company_id", "company_ids"} & self._store.fields(model).keys():
            return True
        allowed = (context or {}).get("allowed_company_ids") or self._companies_of(user)
        owners = row.get("company_ids") or [self._store.value(model, row, "company_id") if "company_ids" not in row else False]
        return any(owner is False or owner in allowed for owner in owners)

    def _companies_of(self, user: int) -> list[int]:
        return list((self._store.get("res.users", user) or {})["company_ids"])

    # --- reading --------------------------------------------------------------------------------------------------------------

    def _search_read(
        self, user: int, model: str, context: Row, domain: Any, fields: Any = None, offset: int = 0, limit: Any = None, order: Any = None,
        load: Any = "_classic_read",
    ) -> list[Row]:  # fmt: skip
        names = self._asked(model, fields)
        rows = self._found(user, model, context, domain)
        ordered = rows if order in (None, "id") else self._ordered(model, list(rows), order)
        found: list[Row] = []
        for place, row in enumerate(ordered):
            if limit and len(found) >= limit:
                break
            if place >= offset:
                found.append(self._shown(model, row, names, load))
        return found

    def _search_count(self, user: int, model: str, context: Row, domain: Any) -> int:
        return sum(1 for _row in self._found(user, model, context, domain))

    def _read(self, user: int, model: str, context: Row, ids: list[int], fields: Any = None, load: Any = "_classic_read") -> list[Row]:
        names = self._asked(model, fields)
        rows = [row for row in (self._store.get(model, key) for key in ids) if row is not None]
        return [self._shown(model, row, names, load) for row in rows]

    def _fields_get(self, user: int, model: str, context: Row, allfields: Any = None, attributes: Any = None) -> Row:
        kinds = {field: kind.partition(":")[0] for field, kind in self._store.fields(model).items()}
        return {field: {"type": kind} for field, kind in kinds.items() if not allfields or field in allfields}

    def _found(self, user: int, model: str, context: Row, domain: Any) -> Any:
        hide_archived = "active" in self._store.fields(model) and context.get("active_test", True)
        for row in self._store.search(model, domain):
            if (not hide_archived or row.get("active", True)) and self._visible(user, model, row, context):
                yield row

    def _asked(self, model: str, fields: Any) -> list[str]:
        known = self._store.fields(model)
        names = list(fields) if fields else list(known)
        for name in names:
            if name not in known:
                raise value_error(f"Invalid field '{name}' on model '{model}'")
        return list(dict.fromkeys(["id", *names, *self._store.extra_fields.get(model, {})]))

    def _ordered(self, model: str, rows: list[Row], order: str) -> list[Row]:
        for term in reversed(order.split(",")):
            field, _space, direction = term.strip().partition(" ")
            if field not in self._store.fields(model) or direction not in ("", "asc", "desc"):
                raise value_error(f"Invalid field '{field}' on model '{model}'")
            rows.sort(key=lambda row, field=field: _sortable(self._store.value(model, row, field)), reverse=direction == "desc")  # type: ignore[misc]
        return rows

    def _shown(self, model: str, row: Row, names: Sequence[str], load: Any) -> Row:
        kinds = self._store.fields(model)
        return {name: self._as_json(kinds[name], self._store.value(model, row, name), load) for name in names}

    def _as_json(self, kind: str, value: Any, load: Any) -> Any:
        if kind.startswith("many2one"):
            if not value or load is None:
                return value or False
            other = kind.partition(":")[2]
            return [value, str((self._store.get(other, value) or {}).get("name") or value)]
        if isinstance(value, Decimal):
            return float(value)
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%d %H:%M:%S")
        if isinstance(value, date):
            return value.isoformat()
        return value or _EMPTY.get(kind.partition(":")[0], False)

    # --- the user and names ---------------------------------------------------------------------------------------------------

    def _context_get(self, user: int, model: str, context: Row) -> Row:
        row = self._store.get("res.users", user) or {}
        return {"lang": row["lang"], "tz": row["tz"], "uid": user}

    def _check_object_reference(self, user: int, model: str, context: Row, module: str, xml_id: str) -> list[Any]:
        found = _XML_IDS.get(f"{module}.{xml_id}")
        if found is None:
            raise value_error(f"External ID not found in the system: {module}.{xml_id}")
        return list(found)

    # --- writing --------------------------------------------------------------------------------------------------------------

    def _create(self, user: int, model: str, context: Row, vals_list: Any) -> list[int] | int:
        makers: Mapping[str, Callable[[Row], int]] = {
            "mail.message": lambda values: self._create_message(user, values),
            "account.move": lambda values: self._invoicing.create(user, values),
            "account.payment.register": lambda values: self._paying.open_form(values, context),
        }
        if model not in makers:
            raise access_error(model, LABELS.get(model, model))
        several = vals_list if isinstance(vals_list, list) else [vals_list]
        made = [makers[model](values) for values in several]
        return made if isinstance(vals_list, list) or self.books.version >= 19 else made[0]

    def _create_message(self, user: int, values: Row) -> int:
        self._document(user, str(values.get("model")), int(values.get("res_id") or 0))
        author = (self._store.get("res.users", user) or {})["partner_id"]
        defaults = {"author_id": author, "date": self._store.instant(), "is_internal": False, "message_type": "comment"}
        return int(self._store.insert("mail.message", {**defaults, **values})["id"])

    def _action_post(self, user: int, model: str, context: Row, ids: list[int]) -> bool:
        for key in ids:
            self._invoicing.post(self._moved(user, model, "action_post", key))
        return False

    def _unlink(self, user: int, model: str, context: Row, ids: list[int]) -> bool:
        for key in ids:
            self._invoicing.unlink(self._moved(user, model, "unlink", key))
        return True

    def _write(self, user: int, model: str, context: Row, ids: list[int], vals: Row) -> bool:
        for key in ids:
            self._invoicing.write(self._moved(user, model, "write", key), vals)
        return True

    def _button_cancel(self, user: int, model: str, context: Row, ids: list[int]) -> None:
        for key in ids:
            self._invoicing.cancel(self._moved(user, model, "button_cancel", key))

    def _js_assign_outstanding_line(self, user: int, model: str, context: Row, ids: list[int], line_id: int) -> None:
        (key,) = ids
        self._invoicing.assign(user, self._moved(user, model, "js_assign_outstanding_line", key), line_id)

    def _action_create_payments(self, user: int, model: str, context: Row, ids: list[int]) -> Any:
        if model not in _FORMS:
            raise no_method(model, "action_create_payments")
        (key,) = ids
        return self._paying.carry_out(user, key, context)

    def _moved(self, user: int, model: str, method: str, key: int) -> Row:
        if model != "account.move":
            raise no_method(model, method)
        return self._document(user, model, key)

    def _get_portal_url(self, user: int, model: str, context: Row, ids: list[int]) -> str:
        if len(ids) != 1:
            raise value_error(f"Expected singleton: {model}{tuple(ids)}")
        self._document(user, model, ids[0])
        return self.books.portal_path(ids[0])

    def _activity_schedule(
        self, user: int, model: str, context: Row, ids: list[int], act_type_xmlid: str = "", date_deadline: Any = None, summary: str = "",
        note: str = "", user_id: Any = None,
    ) -> Any:  # fmt: skip
        kind = 2 if act_type_xmlid == "mail.mail_activity_data_call" else 1
        made = []
        for key in ids:
            self._document(user, model, key)
            values = {"res_model": model, "res_id": key, "activity_type_id": kind, "summary": summary, "note": note}
            values |= {
                "date_deadline": date.fromisoformat(date_deadline),
                "user_id": user_id or (user if self.books.version < 19 else False),
            }
            values |= {"active": True} if self.books.version >= 18 else {}
            made.append(self._store.insert("mail.activity", values)["id"])
            if user_id not in (None, False, user) and not context.get("mail_activity_quick_update"):
                self.books.outbox.append(f"{summary}: assigned to you")
        return made if self.books.version >= 19 else f"mail.activity({', '.join(map(str, made))}{',' if len(made) == 1 else ''})"

    def _document(self, user: int, model: str, key: int) -> Row:
        """The document that is written on: it must be there, and the user must be allowed to read it."""
        if model not in models():
            raise OdooFault("builtins.KeyError", repr(model))
        self._may(user, model)
        row = self._store.get(model, key)
        if row is None:
            raise missing_error(model, key, user)
        if not self._visible(user, model, row):
            raise access_error(model, LABELS.get(model, model))
        return row


_EMPTY: Mapping[str, Any] = {"monetary": 0.0, "float": 0.0, "integer": 0, "many2many": [], "one2many": []}


def _sortable(value: Any) -> tuple[bool, Any]:
    return (False, 0) if value is False else (True, value)
