"""The rows of one company's books: their ids, versions and times, and what was deleted."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import RLock
from typing import Any
from zoneinfo import ZoneInfo

from .schema import FIRST_ATTACHABLE, TRANSACTIONS

Row = dict[str, Any]
PACIFIC = ZoneInfo("America/Los_Angeles")
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Deleted:
    """What is left of a deleted object."""

    entity: str
    key: str
    at: datetime


class Store:
    """Rows by entity and Id. `now` is aware UTC; `lock` is held for the length of a request."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.lock = RLock()
        self.deleted: list[Deleted] = []
        self._rows: dict[str, dict[str, Row]] = {}
        self._ids: Counter[str] = Counter()
        self._ids["Attachable"] = FIRST_ATTACHABLE

    def written_at(self) -> datetime:
        """The time that is put on what is written now. It is up to a second later than the `time` that an answer bears."""
        return self.now().replace(microsecond=0) + timedelta(seconds=1)

    def add(self, entity: str, values: Row) -> Row:
        """A new row, with its id."""
        sequence = "transaction" if entity in TRANSACTIONS else entity
        self._ids[sequence] += 1
        at = self.written_at()
        row = {"Id": str(self._ids[sequence]), "SyncToken": "0", **values, "MetaData": {"CreateTime": at, "LastUpdatedTime": at}}
        self._rows.setdefault(entity, {})[row["Id"]] = row
        return row

    def touch(self, row: Row, *, bump: bool = True) -> None:
        """A row was changed: its time moves, and its version unless `bump` is false."""
        row["MetaData"] = {**row["MetaData"], "LastUpdatedTime": self.written_at()}
        if bump:
            row["SyncToken"] = str(int(row["SyncToken"]) + 1)

    def remove(self, entity: str, row: Row) -> None:
        """Delete a row; only change data capture will know of it."""
        del self._rows[entity][row["Id"]]
        self.deleted.append(Deleted(entity, row["Id"], self.written_at()))

    def find(self, entity: str, key: str) -> Row | None:
        """The row, None when there is none."""
        return self._rows.get(entity, {}).get(key)

    def get(self, entity: str, key: str) -> Row:
        """The row. Raises LookupError when there is none."""
        row = self.find(entity, key)
        if row is None:
            raise LookupError(f"There is no {entity} {key}")
        return row

    def rows(self, entity: str) -> Iterable[Row]:
        """All rows of an entity."""
        return list(self._rows.get(entity, {}).values())


def shown_time(at: datetime) -> str:
    """An instant as objects bear it: in Pacific time, whole seconds."""
    return at.astimezone(PACIFIC).isoformat(timespec="seconds")


def envelope_time(at: datetime) -> str:
    """An instant as answers bear it: in Pacific time, with milliseconds."""
    return at.astimezone(PACIFIC).isoformat(timespec="milliseconds")


def as_json(value: Any) -> Any:
    """A value as it goes over the wire. Whole amounts have no decimal point, and what is empty is left out."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        return shown_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {name: as_json(each) for name, each in value.items() if each is not None and each != ""}
    if isinstance(value, (list, tuple)):
        return [as_json(each) for each in value]
    return value
