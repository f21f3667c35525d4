"""A host with its web endpoints, on SQLite unless a test asks for both databases."""

import pytest
from history.databases import migrated_database
from web.web_host import ENVIRONMENT, WebHost, logged


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("PUNTUAL_DATABASE", "PUNTUAL_KEYS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def host(request, tmp_path):
    with migrated_database(getattr(request, "param", "sqlite"), tmp_path) as url:
        made = WebHost(tmp_path, url)
        with logged(made):
            yield made
        made.close()
