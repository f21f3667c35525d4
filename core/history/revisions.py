"""At which level a database's tables stand, without touching them."""

from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from .database import DatabaseUnusable, level_of, trouble_of


def address_of(url: str) -> URL:
    """The address with the driver that is used for it. Raises DatabaseUnusable."""
    try:
        address = make_url(url)
    except ArgumentError:
        raise DatabaseUnusable("the database URL is not understood; write sqlite:///puntual.db or postgresql://…") from None
    return address.set(drivername="postgresql+psycopg") if address.get_backend_name() in ("postgresql", "postgres") else address


def level_at(address: URL) -> str | None:
    """The level of the tables there; None where there are none. Raises DatabaseUnusable, DatabaseBusy."""
    try:
        engine = create_engine(address)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise DatabaseUnusable(f"there is no driver for {address.drivername}", hint="Install puntual[postgresql]") from None
    try:
        with engine.connect() as conn:
            return level_of(conn)
    except DBAPIError as error:
        raise trouble_of(error, f"{address.render_as_string(hide_password=True)}: ") from None
    finally:
        engine.dispose()
