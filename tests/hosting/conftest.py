"""A street for each test, on SQLite, and where a test asks for it on PostgreSQL."""

import pytest
from history.databases import migrated_database
from hosting.street import Street


@pytest.fixture
def street(request, tmp_path):
    with migrated_database(getattr(request, "param", "sqlite"), tmp_path) as url:
        made = Street(tmp_path, url)
        yield made
        made.engine.dispose()
