"""Ledgers of other packages: found by their entry points, used by the policies that name them, and no trouble for any other."""

from pathlib import Path

import pytest
from history.sample_books import POLICY
from outside import installed
from puntual.core.policy.problems import PolicyFileProblems
from puntual.core.worker.ledgers import LedgerUnusable
from puntual.core.worker.wiring import connector_entry, ledger_kinds, load_policy, usable_ledger_kinds

CODE = """
from pydantic import BaseModel
from puntual.core.port import Authorizer, LedgerConnector

class Unfinished(LedgerConnector):
    name, capabilities = "abacus", frozenset()
    def check(self): ...

class Abacus(Unfinished):
    def changes(self, cursor): ...
    def recheck(self, invoice_ids): ...

class Settings(BaseModel):
    beads: int = 7

ENTRY = {"id": "abacus", "name": "Abacus", "connector": "abacus_books:Abacus", "settings": "abacus_books:Settings"}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "abacus_books.py").write_text(CODE, encoding="utf-8")
    return tmp_path / "site"


def policy_for(folder: Path, ledger: str) -> Path:
    (folder / "companies").mkdir()
    text = POLICY.replace("type: files, folder: books", ledger)
    assert text != POLICY
    (folder / "companies" / "acme.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_policy_may_name_a_ledger_of_another_package(site, tmp_path, monkeypatch):
    installed(site, monkeypatch, "abacus-for-puntual", abacus="abacus_books:ENTRY")
    policy = load_policy(policy_for(tmp_path, "type: abacus, beads: 9"), "acme")
    assert policy.ledger.settings.model_dump() == {"beads": 9}
    assert connector_entry("abacus").connector.__name__ == "Abacus"
    assert connector_entry("abacus").authorizer is None
    assert list(ledger_kinds())[-1] == "abacus"
    assert len(ledger_kinds()) == len(usable_ledger_kinds())


def test_its_settings_are_checked_with_line_and_column(site, tmp_path, monkeypatch):
    installed(site, monkeypatch, "abacus-for-puntual", abacus="abacus_books:ENTRY")
    with pytest.raises(PolicyFileProblems) as wrong:
        load_policy(policy_for(tmp_path, "type: abacus, beats: 9"), "acme")
    assert "acme.yaml:" in str(wrong.value)
    assert "`beats` is not a setting of this ledger" in str(wrong.value)


def test_a_ledger_of_another_package_may_tell_by_webhooks(site, monkeypatch):
    tells = """
from puntual.core.access import Webhooks
WEBHOOKS = Webhooks("x-abacus", 400, 9, lambda body, signature, secret: True, lambda body: ())
ENTRY["webhooks"] = "abacus_books:WEBHOOKS"
"""
    (site / "abacus_books.py").write_text(CODE + tells, encoding="utf-8")
    installed(site, monkeypatch, "abacus-for-puntual", abacus="abacus_books:ENTRY")
    entry = connector_entry("abacus")
    assert (entry.title, entry.webhooks.header, entry.webhooks.seconds) == ("Abacus", "x-abacus", 9)


BROKEN = {
    "nothing:ENTRY": "No module named 'nothing'",
    "abacus_books:NOTHING": "has no attribute 'NOTHING'",
    "abacus_books:CODE": "leads to no mapping",
    "abacus_books:OTHER": "its entry says the id 'other'",
    "abacus_books:WITHOUT": "its entry says no `settings` such as package.module:Class",
    "abacus_books:NO_CLASS": "abacus_books:Settings is no LedgerConnector",
    "abacus_books:MISSPELT": "has no attribute 'Abbacus'",
    "abacus_books:UNFINISHED": "abacus_books:Unfinished lacks changes, recheck",
    "abacus_books:AUTHORIZER": "abacus_books:Settings is no Authorizer",
    "abacus_books:WEBHOOKS": "abacus_books:Settings is no Webhooks",
    "abacus_books:HALF_NAMED": "has no attribute ''",
    "abacus_books:RENAMED": "its connector calls itself 'counting-frame'",
    "raising_books:ENTRY": "ZeroDivisionError: division by zero",
}
MORE = """
CODE = "text"
OTHER = {**ENTRY, "id": "other"}
WITHOUT = {"id": "abacus", "connector": ENTRY["connector"]}
NO_CLASS = {**ENTRY, "connector": "abacus_books:Settings"}
MISSPELT = {**ENTRY, "connector": "abacus_books:Abbacus"}
UNFINISHED = {**ENTRY, "connector": "abacus_books:Unfinished"}
AUTHORIZER = {**ENTRY, "authorizer": "abacus_books:Settings"}
WEBHOOKS = {**ENTRY, "webhooks": "abacus_books:Settings"}
HALF_NAMED = {**ENTRY, "webhooks": "abacus_books"}
RENAMED = {**ENTRY, "connector": "abacus_books:Frame"}
class Frame(Abacus):
    name = "counting-frame"
"""


@pytest.mark.parametrize("value", BROKEN)
def test_a_broken_package_is_told_to_the_policies_that_name_it_and_to_no_other(site, tmp_path, monkeypatch, value):
    (site / "abacus_books.py").write_text(CODE + MORE, encoding="utf-8")
    (site / "raising_books.py").write_text("1 / 0\n", encoding="utf-8")
    installed(site, monkeypatch, "abacus-for-puntual", abacus=value)
    with pytest.raises(LedgerUnusable) as wrong:
        load_policy(policy_for(tmp_path, "type: abacus"), "acme")
    assert "the ledger 'abacus' of the package abacus-for-puntual 1.0 cannot be used: " in wrong.value.detail
    assert BROKEN[value] in wrong.value.detail
    (tmp_path / "companies" / "acme.yaml").write_text(POLICY, encoding="utf-8")
    assert load_policy(tmp_path, "acme").ledger.type == "files"
    assert "abacus" in list(ledger_kinds())
    assert "abacus" not in usable_ledger_kinds()


def test_a_ledger_that_two_packages_claim_belongs_to_neither(site, tmp_path, monkeypatch):
    installed(site, monkeypatch, "abacus-for-puntual", abacus="abacus_books:ENTRY", odoo="abacus_books:ENTRY")
    installed(site, monkeypatch, "abacus-too", abacus="abacus_books:ENTRY")
    with pytest.raises(LedgerUnusable, match=r"several packages have a ledger 'abacus': the package .* 1.0, the package .* 1.0"):
        load_policy(policy_for(tmp_path, "type: abacus"), "acme")
    with pytest.raises(LedgerUnusable, match=r"several packages have a ledger 'odoo': Puntual itself, the package abacus-for-puntual 1.0"):
        connector_entry("odoo")
    assert connector_entry("files").id == "files"


def test_nobody_is_asked_for_a_ledger_that_no_policy_names(site, monkeypatch):
    (site / "loud.py").write_text("raise SystemExit('imported')\n", encoding="utf-8")
    installed(site, monkeypatch, "loud-books", loud="loud:ENTRY")
    assert "loud" in list(ledger_kinds())
    assert connector_entry("files").id == "files"


def test_a_ledger_that_does_not_exist_is_no_other(site):
    with pytest.raises(KeyError):
        connector_entry("abacus")
    assert ledger_kinds().get("abacus") is None
