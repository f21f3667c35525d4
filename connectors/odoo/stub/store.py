"""Rows in memory with Odoo's stamps: one transaction a call, whole or not at all, `write_date` = its start, in microseconds."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import RLock
from typing import Any

from .domain import Row, compiled
from .faults import value_error
from .schema import COMPUTED_NOT_SEARCHABLE, fields_of, models

_INDEXED = {
    "account.move.line": ("move_id",),
    "account.partial.reconcile": ("debit_move_id", "credit_move_id"),
    "res.partner": ("commercial_partner_id",),
    "mail.message": ("res_id",),
}

Computed = Mapping[tuple[str, str], Callable[[Row], Any]]


class Store:
    """All tables of one database. `now` is aware UTC; `computed` gives the fields that are not stored."""

    def __init__(self, version: int, now: Callable[[], datetime], computed: Computed, absent: Collection[tuple[str, str]] = ()) -> None:
        """`absent` are fields of modules that are not installed."""
        self.version = version
        self.lock = RLock()
        self.extra_fields: dict[str, dict[str, Any]] = {}
        self._now = now
        self._computed = computed
        self._fields = {
            model: {field: kind for field, kind in fields_of(model, version).items() if (model, field) not in absent} for model in models()
        }
        self._tables: dict[str, dict[int, Row]] = {model: {} for model in models()}
        self._ids: dict[str, list[int]] = {model: [] for model in models()}
        self._last_id: dict[str, int] = dict.fromkeys(models(), 0)
        self._indexes: dict[tuple[str, str], dict[Any, set[int]]] = {
            (model, field): defaultdict(set) for model, fields in _INDEXED.items() for field in fields
        }
        self._undo: list[Callable[[], None]] | None = None
        self._stamp: datetime | None = None

    # --- transactions ---------------------------------------------------------------------------------------------------------

    def instant(self) -> datetime:
        """Now, as Odoo keeps it: UTC that does not say so."""
        return self._now().astimezone(UTC).replace(tzinfo=None)

    @contextmanager
    def transaction(self, started_at: datetime | None = None) -> Iterator[None]:
        """All or nothing. What is written is stamped with the start, however long it takes; one within another is part of it."""
        with self.lock:
            if self._undo is not None:
                yield
                return
            self._undo, self._stamp = [], started_at or self.instant()
            try:
                yield
            except BaseException:
                for undo in reversed(self._undo):
                    undo()
                raise
            finally:
                self._undo, self._stamp = None, None

    def _stamped(self) -> datetime:
        if self._stamp is None or self._undo is None:
            raise RuntimeError("rows are written in a transaction only")
        return self._stamp

    # --- rows -----------------------------------------------------------------------------------------------------------------

    def insert(self, model: str, values: Mapping[str, Any]) -> Row:
        """A new row; `values` may carry an id of its own."""
        self._known(model, values)
        stamp, table = self._stamped(), self._tables[model]
        key = int(values.get("id") or self._last_id[model] + 1)
        self._last_id[model] = max(self._last_id[model], key)
        row: Row = {"create_date": stamp, "write_date": stamp, **values, "id": key}
        table[key] = row
        insort(self._ids[model], key)
        self._index(model, row, add=True)
        self._note_undo(lambda: self._remove(model, key))
        return row

    def update(self, model: str, row: Row, values: Mapping[str, Any], *, touch: bool = True) -> None:
        """Change a row; `write_date` moves when something of it changed, or at all when `touch` and nothing is given."""
        self._known(model, values)
        stamp, before = self._stamped(), dict(row)
        changed = {field: value for field, value in values.items() if row.get(field) != value}
        if values and not changed:
            return
        self._index(model, row, add=False)
        row.update(changed)
        if touch:
            row["write_date"] = stamp
        self._index(model, row, add=True)
        self._note_undo(lambda: self._restore(model, row, before))

    def delete(self, model: str, row: Row) -> None:
        """Remove a row for good."""
        self._stamped()
        self._remove(model, row["id"])
        self._note_undo(lambda: self._bring_back(model, row))

    def get(self, model: str, key: Any) -> Row | None:
        """The row with this id."""
        return self._tables[model].get(key)

    def rows(self, model: str) -> Iterator[Row]:
        """All rows of a model by id."""
        table = self._tables[model]
        return (table[key] for key in list(self._ids[model]))

    def by(self, model: str, field: str, key: Any) -> list[Row]:
        """The rows with this value in an indexed field, by id."""
        table = self._tables[model]
        return [table[found] for found in sorted(self._indexes[model, field].get(key, ()))]

    def search(self, model: str, domain: Any) -> Iterator[Row]:
        """The rows that satisfy a domain, by id."""
        test = compiled(model, domain, self.value, self.kind)
        return (row for row in self._candidates(model, domain) if test(row))

    # --- fields ---------------------------------------------------------------------------------------------------------------

    def fields(self, model: str) -> Mapping[str, str]:
        """The fields of a model in this version."""
        return {**self._fields[model], **dict.fromkeys(self.extra_fields.get(model, {}), "char")}

    def kind(self, model: str, path: str) -> str:
        """The type of a field by its path. Raises for an unknown one and for one that cannot be searched."""
        name, _dot, rest = path.partition(".") if isinstance(path, str) else (path, "", "")
        kind = self._fields[model].get(name)
        if kind is None or (model, name) in COMPUTED_NOT_SEARCHABLE:
            raise value_error(f"Invalid field {model}.{name} in leaf")
        return self.kind(kind.partition(":")[2], rest) if rest else kind.partition(":")[0]

    def value(self, model: str, row: Row, path: str) -> Any:
        """The value of a field by its path; empty ones are False."""
        name, _dot, rest = path.partition(".")
        computed = self._computed.get((model, name))
        found = computed(row) if computed else row.get(name, self.extra_fields.get(model, {}).get(name, False))
        if not rest:
            return False if found is None else found
        other = self._fields[model][name].partition(":")[2]
        linked = self.get(other, found)
        return self.value(other, linked, rest) if linked else False

    # --- how it is kept -------------------------------------------------------------------------------------------------------

    def _candidates(self, model: str, domain: Any) -> Iterator[Row]:
        """Rows by id, narrowed by leaves that every found row satisfies; without this each page would look at every row."""
        table, ids = self._tables[model], self._ids[model]
        after = 0
        wanted: Iterable[int] | None = None
        for leaf in () if any(term in ("|", "!") for term in domain if isinstance(term, str)) else domain:
            field, operator, value = leaf if isinstance(leaf, list | tuple) and len(leaf) == 3 else ("", "", None)
            if value is None:
                continue
            if field == "id" and operator == ">":
                after = max(after, int(value))
            elif operator == "in" and field == "id":
                wanted = value
            elif operator == "in" and (model, field) in self._indexes:
                wanted = [key for each in value for key in self._indexes[model, field].get(each, ())]
        if wanted is not None:
            return (table[key] for key in sorted(set(wanted)) if key in table)
        return (table[ids[place]] for place in range(bisect_right(ids, after), len(ids)))

    def _known(self, model: str, values: Iterable[str]) -> None:
        for field in values:
            if field not in self._fields[model]:
                raise value_error(f"Invalid field '{field}' on model '{model}'")

    def _index(self, model: str, row: Row, *, add: bool) -> None:
        for field in _INDEXED.get(model, ()):
            place = self._indexes[model, field][row.get(field)]
            (place.add if add else place.discard)(row["id"])

    def _note_undo(self, undo: Callable[[], None]) -> None:
        if self._undo is not None:
            self._undo.append(undo)

    def _remove(self, model: str, key: int) -> None:
        row = self._tables[model].pop(key)
        del self._ids[model][bisect_left(self._ids[model], key)]
        self._index(model, row, add=False)

    def _bring_back(self, model: str, row: Row) -> None:
        self._tables[model][row["id"]] = row
        insort(self._ids[model], row["id"])
        self._index(model, row, add=True)

    def _restore(self, model: str, row: Row, before: Row) -> None:
        self._index(model, row, add=False)
        row.clear()
        row.update(before)
        self._index(model, row, add=True)
