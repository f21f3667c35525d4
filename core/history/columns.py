"""What the tables of the history are made of."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, DateTime, MetaData, String
from sqlalchemy.types import TypeDecorator

metadata = MetaData()

ID = String(200)
"""The type of what a ledger or a provider calls something."""


class Instant(TypeDecorator[datetime]):
    """An aware instant in UTC; what has no zone is refused."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Store without the zone, which is always UTC."""
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant needs its zone")
        return value.astimezone(UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Give the zone back."""
        return value.replace(tzinfo=UTC) if value is not None else None


def company_column() -> Column[str]:
    """The first column of every table's key."""
    return Column("company", String(64), primary_key=True)
