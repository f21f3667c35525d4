"""Every test of the history runs on SQLite and on PostgreSQL."""

import pytest
from history.databases import KINDS, empty_database, migrated_database
from history.sample_books import COMPANY
from puntual.core.history.books import ensure_company
from puntual.core.history.database import open_database, writing


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def empty_url(kind, tmp_path):
    with empty_database(kind, tmp_path) as url:
        yield url


@pytest.fixture
def engine(kind, tmp_path):
    """The history of one company, with nothing in it."""
    with migrated_database(kind, tmp_path) as url:
        opened = open_database(url)
        with writing(opened) as conn:
            ensure_company(conn, COMPANY)
        yield opened
        opened.dispose()
