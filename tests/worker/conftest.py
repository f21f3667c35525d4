"""An office for each test; it works on SQLite, and where a test asks for it on PostgreSQL."""

import pytest
from history.databases import migrated_database
from stripe_stand_in import StripeStandIn
from worker.office import Office, PostOffice
from worker.shop import Shop


@pytest.fixture
def post():
    opened = PostOffice()
    opened.open()
    yield opened
    opened.close()


@pytest.fixture
def office(request, tmp_path, post):
    with migrated_database(getattr(request, "param", "sqlite"), tmp_path) as url:
        made = Office(tmp_path, url, post)
        yield made
        made.close()


@pytest.fixture
def stripe(office):
    server = StripeStandIn(lambda: office.clock.now())
    yield server
    server.close()
    assert server.mistakes == []


@pytest.fixture
def shop(office, stripe):
    return lambda *links, **more: Shop(office, stripe, *links, **more)
