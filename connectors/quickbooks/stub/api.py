"""The resources under /v3/company/<realm>: query, read, write, batch, change data capture, the PDF."""

from collections.abc import Mapping
from typing import Any

from .books import QboBooks
from .cdc import changes
from .faults import QboFault, missing, not_found, unsupported_operation, unsupported_property
from .query import asks_for_inactive, found, parse
from .schema import MOST_BATCH_ITEMS, NAME_LISTS, QUERYABLE
from .store import Row
from .writing import Writing

PDF = b"%PDF-1.4\n1 0 obj <</Type /Catalog>> endobj\ntrailer <</Root 1 0 R>>\n%%EOF\n"
_ENTITIES = {name.lower(): name for name in QUERYABLE}
_OPERATIONS = ("create", "update", "delete")


class Api:
    """Calls on one company's books. `metered` counts what Intuit would bill: what was read, each item of a batch singly."""

    def __init__(self, books: QboBooks) -> None:
        self.books = books
        self.metered = 0
        self._writing = Writing(books)

    def query(self, text: str, include: str = "") -> Row:
        """The answer to a query. Raises QboFault."""
        asked = parse(text)
        rows = found(asked, self.books.store.rows(asked.entity))
        if asked.entity in NAME_LISTS and not asks_for_inactive(asked):
            rows = [row for row in rows if row.get("Active") is not False]
        self.metered += 1
        if asked.counts:
            return {"QueryResponse": {"totalCount": len(rows)}}
        page = rows[asked.start - 1 :][: asked.most]
        if not page:
            return {"QueryResponse": {}}
        with_link = "invoiceLink" in include.split(",")
        shown = [self.books.shown(asked.entity, row, with_link=with_link) for row in page]
        rest = {"totalCount": len(page)} if len(page) == len(rows) else {}
        return {"QueryResponse": {asked.entity: shown, "startPosition": asked.start, "maxResults": len(page), **rest}}

    def read(self, resource: str, key: str) -> Row:
        """One object by its id; an invoice with its link. Raises QboFault."""
        entity = _entity(resource)
        row = self._only(entity) if entity == "Preferences" or (entity, key) == ("CompanyInfo", self.books.realm_id) else None
        row = row or self.books.store.find(entity, key)
        if row is None:
            raise not_found()
        self.metered += 1
        return {entity: self.books.shown(entity, row, with_link=True)}

    def pdf(self, key: str) -> bytes:
        """An invoice as it is printed. Raises QboFault."""
        if self.books.store.find("Invoice", key) is None:
            raise not_found()
        self.metered += 1
        return PDF

    def send(self, key: str, to: str) -> Row:
        """Mail an invoice. Raises QboFault."""
        return {"Invoice": self._writing.send(key, to)}

    def changes(self, entities: str | None, since: str | None) -> Row:
        """Change data capture. Raises QboFault."""
        answer: Row = changes(self.books, entities, since)
        self.metered += 1
        return answer

    def write(self, resource: str, body: Any, operation: str, include: str = "") -> Row:
        """Create (or update, when there is an Id), void or delete. Raises QboFault."""
        entity = _entity(resource)
        if not isinstance(body, Mapping):
            raise missing("request body")
        if operation not in ("", "void", "delete"):
            raise unsupported_operation(operation)
        kind = operation or ("update" if "Id" in body else "create")
        allowed = "allowduplicatedocnum" in include.split(",")
        return {entity: self._writing.write(entity, body, kind, duplicate_numbers=allowed)}

    # --- batch ----------------------------------------------------------------------------------------------------------------

    def batch(self, body: Any) -> tuple[Row, bool]:
        """The answers to the items, one after the other, each with its own refusal; and whether anything was written."""
        items = body.get("BatchItemRequest") if isinstance(body, Mapping) else None
        if not isinstance(items, list) or not items:
            raise missing("BatchItemRequest")
        if len(items) > MOST_BATCH_ITEMS:
            text = f"The number of items in the batch request exceeds the maximum of {MOST_BATCH_ITEMS}. Supplied:{len(items)}"
            raise QboFault("1040", "Batch size exceeded", text)
        names = [item.get("bId") if isinstance(item, Mapping) else None for item in items]
        if None in names or len(set(names)) != len(names):
            raise QboFault("2020", "Duplicate or missing bId", "Every item needs a bId of its own", element="bId")
        answers = [self._item(item) for item in items]
        wrote = any("Query" not in item and "Fault" not in answer for item, answer in zip(items, answers, strict=True))
        return {"BatchItemResponse": answers}, wrote

    def _item(self, item: Mapping[str, Any]) -> Row:
        try:
            return {"bId": item["bId"], **self._item_answer(item)}
        except QboFault as fault:
            return {"bId": item["bId"], "Fault": fault.body()}

    def _item_answer(self, item: Mapping[str, Any]) -> Row:
        if "Query" in item:
            return self.query(str(item["Query"]))
        entity = next((name for name in item if name in QUERYABLE), "")
        if not entity or item.get("operation") not in _OPERATIONS:
            raise unsupported_property("operation")
        if item.get("optionsData") not in (None, "void"):
            raise unsupported_property("optionsData")
        operation = "void" if item.get("optionsData") == "void" and item["operation"] == "update" else item["operation"]
        return {entity: self._writing.write(entity, item[entity], operation)}

    def _only(self, entity: str) -> Row:
        return next(iter(self.books.store.rows(entity)))


def _entity(resource: str) -> str:
    entity = _ENTITIES.get(resource)
    if entity is None:
        raise unsupported_operation(resource)
    return entity
