"""Change data capture: what changed since an instant, deletions included, a thousand objects at most."""

from datetime import datetime, timedelta
from typing import Any

from .company import Company, is_void
from .faults import QboFault, business_rule, missing, unsupported_operation
from .query import instant
from .schema import CHANGES_KEPT_DAYS, MOST_CHANGES, NOT_CAPTURED, QUERYABLE
from .store import Row, as_json, shown_time


def changes(company: Company, entities: str | None, since: str | None) -> Any:
    """The CDCResponse. Raises QboFault when `since` is no instant or too long ago, or an entity cannot be captured."""
    if not entities:
        raise missing("entities")
    if not since:
        raise missing("changedSince")
    names = [name.strip() for name in entities.split(",")]
    for name in names:
        if name in NOT_CAPTURED or name not in QUERYABLE:
            raise unsupported_operation(f"cdc on {name}")
    at = _instant(since)
    if at < company.store.now() - timedelta(days=CHANGES_KEPT_DAYS):
        raise unsupported_operation(f"cdc with changedSince date {since} which is older than fixed days")
    return {"CDCResponse": [{"QueryResponse": _portions(company, names, at)}]}


def _instant(text: str) -> datetime:
    try:
        return instant(text)
    except ValueError:
        raise _no_instant(text) from None


def _no_instant(text: str) -> QboFault:
    return business_rule(f"Invalid DateTime value: {text}")


def _portions(company: Company, names: list[str], since: datetime) -> list[Row]:
    changed = [(row["MetaData"]["LastUpdatedTime"], name, row) for name in names for row in company.store.rows(name)]
    recent = sorted((each for each in changed if each[0] >= since), key=lambda each: each[0])
    gone = [each for each in company.store.deleted if each.entity in names and each.at >= since]
    told = [(name, _shown(company, name, row)) for _at, name, row in recent]
    told += [(each.entity, _tombstone(each.key, each.at)) for each in gone]
    told = told[:MOST_CHANGES]
    return [_portion(name, [shown for entity, shown in told if entity == name]) for name in names]


def _portion(name: str, objects: list[Row]) -> Row:
    return {name: objects, "startPosition": 1, "maxResults": len(objects)} if objects else {}


def _shown(company: Company, name: str, row: Row) -> Row:
    shown = company.shown(name, row)
    return {**shown, "status": "Voided"} if company.changes_say_voided and is_void(row) else shown


def _tombstone(key: str, at: datetime) -> Row:
    answer: Row = as_json({"status": "Deleted", "domain": "QBO", "Id": key, "MetaData": {"LastUpdatedTime": shown_time(at)}})
    return answer
