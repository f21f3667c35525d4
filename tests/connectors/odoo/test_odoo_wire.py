"""How Odoo is spoken to: which API, what each refusal means, what is never repeated."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import responses
from harness import Fault
from odoo.stub_harness import API_KEY, StubHarness
from puntual.connectors.odoo.settings import OdooSettings, OdooTransport
from puntual.connectors.stub_server import Trouble
from puntual.core.errors import (
    AuthorizationExpired,
    CompanyMustAct,
    LedgerUnavailable,
    OurBug,
    PermissionMissing,
    PuntualError,
    RejectedByLedger,
    UnexpectedResponse,
)
from puntual.core.secret import Secret
from pydantic import ValidationError

JSONRPC = OdooTransport.JSONRPC


@pytest.fixture
def harness(version: int) -> Iterator[StubHarness]:
    made = StubHarness(version)
    yield made
    made.close()


both = pytest.mark.parametrize("version", [18, 19])


@pytest.mark.parametrize(("version", "spoken"), [(16, "execute_kw"), (18, "execute_kw"), (19, "bearer")])
def test_the_api_follows_from_the_version(harness: StubHarness, spoken: str) -> None:
    harness.new().check()
    assert (harness.server.methods["common.authenticate"] > 0) == (spoken == "execute_kw")


@pytest.mark.parametrize("version", [18])
def test_json2_on_a_server_without_it_is_a_clear_error_in_spite_of_its_redirects(harness: StubHarness) -> None:
    with pytest.raises(CompanyMustAct, match="no JSON-2"):
        harness.new(transport=OdooTransport.JSON2).check()


@pytest.mark.parametrize("version", [19])
def test_jsonrpc_on_19_works_with_its_other_error_code(harness: StubHarness) -> None:
    connector = harness.new(transport=JSONRPC)
    assert connector.check().ledger_version == "19.0"
    with pytest.raises(UnexpectedResponse, match="nofield"):
        connector._reader.wire.execute("account.move", "search_read", domain=[], fields=["nofield"])


@both
@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"api_key": Secret("wrong")}, AuthorizationExpired, "API key"),
        ({"database": "nodb"}, CompanyMustAct, "no database named nodb"),
    ],
)
def test_wrong_key_and_wrong_database(harness: StubHarness, changes: dict[str, Any], error: type[PuntualError], words: str) -> None:
    with pytest.raises(error, match=words):
        harness.new(**changes).check()


@pytest.mark.parametrize("version", [18])
def test_a_wrong_login_is_refused_like_a_wrong_key(harness: StubHarness) -> None:
    with pytest.raises(AuthorizationExpired, match="nobody"):
        harness.new(login="nobody@example.com").check()


@both
@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda wire: wire.execute("account.move", "search_read", reads=True, domain=[], fields=["nofield"]), UnexpectedResponse),
        (lambda wire: wire.execute("account.move", "no_such_method", [1]), UnexpectedResponse),
        (lambda wire: wire.execute("account.move", "search_read", reads=True, domain=[], surprise=1), UnexpectedResponse),
        (lambda wire: wire.execute("account.move", "get_portal_url", [999999]), RejectedByLedger),
        (lambda wire: wire.execute("ir.config_parameter", "search_read", reads=True, domain=[]), PermissionMissing),
    ],
)
def test_each_refusal_says_who_must_act_and_is_asked_once(
    harness: StubHarness, use: Callable[[Any], Any], error: type[PuntualError]
) -> None:
    wire = harness.new()._reader.wire
    before = harness.calls()
    with pytest.raises(error):
        use(wire)
    assert harness.calls() == before + 1


@pytest.mark.parametrize("version", [18])
@pytest.mark.parametrize(
    ("name", "said", "error"),
    [
        ("psycopg2.OperationalError", "FATAL: sorry, too many clients already", LedgerUnavailable),
        ("psycopg2.OperationalError", "FATAL:  no existe la base de datos «puntual»", CompanyMustAct),
        ("psycopg2.errors.SerializationFailure", "could not serialize access due to concurrent update", LedgerUnavailable),
        ("odoo.exceptions.UserError", "Lo sentimos", RejectedByLedger),
        ("builtins.KeyError", "'x'", OurBug),
    ],
)
def test_errors_are_told_apart_by_their_name(harness: StubHarness, name: str, said: str, error: type[PuntualError]) -> None:
    assert isinstance(harness.new()._reader.wire.problem(name, said, "account.move"), error)


@both
def test_a_message_of_the_server_never_shows_the_key(harness: StubHarness) -> None:
    problem = harness.new()._reader.wire.problem("odoo.exceptions.UserError", f"you sent {API_KEY}", "account.move")
    assert API_KEY not in str(problem)


@both
@pytest.mark.parametrize("fault", [Fault.BAD_GATEWAY, Fault.HTML_FOR_JSON, Fault.HALF_BODY, Fault.INTERNAL_ERROR, Fault.TIMEOUT])
def test_a_write_is_never_sent_twice(harness: StubHarness, fault: Fault) -> None:
    wire = harness.new()._reader.wire
    before = harness.calls()
    harness.break_wire(fault)
    with pytest.raises(LedgerUnavailable):
        wire.execute("mail.message", "create", vals_list=[])
    harness.mend_wire()
    assert harness.calls() == before + 1


@both
def test_a_lost_answer_leaves_the_work_done_and_unrepeated(harness: StubHarness) -> None:
    partner = harness.books.add_partner("Ana", is_company=True)
    wire = harness.new()._reader.wire
    harness.server.trouble = Trouble.LOST_ANSWER
    with pytest.raises(LedgerUnavailable):
        wire.execute("mail.message", "create", vals_list=[{"model": "res.partner", "res_id": partner, "body": "<p>x</p>"}])
    assert len(harness.books.store.by("mail.message", "res_id", partner)) == 1


_ODOO = "https://odoo.example.com"


def _settings(**changes: Any) -> OdooSettings:
    return OdooSettings(**{"url": _ODOO, "database": "d", "login": "l", "api_key": Secret(API_KEY), **changes})


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"result": {"server_version": "15.0"}}, CompanyMustAct),
        ({"error": {"message": "strange"}}, UnexpectedResponse),
        ([1, 2], UnexpectedResponse),
    ],
)
@pytest.mark.parametrize("version", [18])
def test_other_servers_are_a_clear_error(harness: StubHarness, answer: Any, error: type[PuntualError]) -> None:
    with responses.RequestsMock() as mock:
        mock.get(f"{_ODOO}/web/version", status=404, body="<html>")
        mock.post(f"{_ODOO}/jsonrpc", json=answer)
        with pytest.raises(error):
            harness.new(url=_ODOO).check()


@pytest.mark.parametrize("version", [18])
def test_a_moved_server_is_named_and_not_followed(harness: StubHarness) -> None:
    with responses.RequestsMock() as mock:
        moved = {"Location": "https://www.odoo.example.com/jsonrpc"}
        mock.get(f"{_ODOO}/web/version", status=301, headers=moved)
        mock.post(f"{_ODOO}/jsonrpc", status=301, headers=moved)
        with pytest.raises(CompanyMustAct, match=r"https://www\.odoo\.example\.com"):
            harness.new(url=_ODOO).check()


@pytest.mark.parametrize(
    "url", ["http://odoo.example.com", "odoo.example.com", "ftp://x", "https://u:p@odoo.example.com", "https://x?y=1", ""]
)
def test_an_address_that_is_not_safe_is_no_setting(url: str) -> None:
    with pytest.raises(ValidationError) as raised:
        _settings(url=url)
    assert API_KEY not in str(raised.value)


def test_settings_are_strict_and_keep_their_secret() -> None:
    assert _settings(url="http://127.0.0.1:8069/").url == "http://127.0.0.1:8069"
    assert _settings(transport="json2").transport is OdooTransport.JSON2
    assert API_KEY not in repr(_settings())
    for wrong in ({"page_size": "10"}, {"page_size": 5000}, {"api_key": API_KEY}, {"surprise": 1}):
        with pytest.raises(ValidationError):
            _settings(**wrong)


def test_published_settings_describe_each_field() -> None:
    assert all(field.description for field in OdooSettings.model_fields.values())
    assert json.dumps(sorted(OdooSettings.model_fields))
