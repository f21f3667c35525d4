"""Events that services tell: each company hears of each once, whose books they are is known by their id, and a wish is never lost."""

from datetime import timedelta

from history.sample_books import AT
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from puntual.core.access import Authorization
from puntual.core.history import authorizations
from puntual.core.history.database import reading, writing
from puntual.core.history.hosting import ensure_states, grant_wish, set_state, states_of, waiting_companies, wish_for_sync
from puntual.core.history.webhook_events import KEPT, companies_of_books, first_told, forget_events
from puntual.core.secret import Secret

ANY = st.text(max_size=400) | st.just("\ud800\x00")
SECOND = timedelta(seconds=1)


def connect(conn, company, ledger, tenant):
    authorizations.put(conn, company, ledger, Authorization(Secret("a"), Secret("r"), AT, tenant), "sealed", AT)


def test_books_are_known_by_their_ledger_and_their_id(engine):
    with writing(engine) as conn:
        for company, ledger, tenant in (("a", "xero", "1"), ("b", "xero", "1"), ("c", "xero", "2"), ("d", "quickbooks", "1")):
            connect(conn, company, ledger, tenant)
    with reading(engine) as conn:
        assert companies_of_books(conn, "xero", ["1", "1", "3"]) == {"1": ["a", "b"]}
        assert companies_of_books(conn, "xero", []) == {}
        many = [str(number) for number in range(3000)]
        assert {tenant: sorted(found) for tenant, found in companies_of_books(conn, "xero", many).items()} == {"1": ["a", "b"], "2": ["c"]}


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(ANY, max_size=20), st.lists(st.tuples(st.sampled_from("abc"), ANY), max_size=20))
def test_any_names_can_be_asked_for_and_remembered_once(engine, tenants, told):
    with writing(engine) as conn:
        assert companies_of_books(conn, "xero", tenants) == {}
        before = conn.get_transaction()
        new = first_told(conn, "xero", told, AT)
        assert new <= {company for company, _ in told}
        assert first_told(conn, "xero", told, AT) == set()
        before.rollback()


def test_an_event_is_new_for_each_company_and_each_origin_once(engine):
    with writing(engine) as conn:
        assert first_told(conn, "xero", [("a", "e1"), ("b", "e1"), ("a", "e1")], AT) == {"a", "b"}
        assert first_told(conn, "xero", [("a", "e1"), ("b", "e2")], AT) == {"b"}
        assert first_told(conn, "stripe", [("a", "e1")], AT) == {"a"}
        assert first_told(conn, "xero", [("c", f"e{number}") for number in range(1300)], AT) == {"c"}
        assert first_told(conn, "xero", [], AT) == set()


def test_an_event_is_forgotten_after_its_time(engine):
    with writing(engine) as conn:
        first_told(conn, "xero", [("a", "e1")], AT)
        forget_events(conn, AT + KEPT)
        assert first_told(conn, "xero", [("a", "e1")], AT + KEPT) == set()
        forget_events(conn, AT + KEPT + SECOND)
        assert first_told(conn, "xero", [("a", "e1")], AT + KEPT + SECOND) == {"a"}


def wished(conn):
    return states_of(conn, ["a"])["a"].wished_at


def test_the_first_wish_counts_until_it_is_granted(engine):
    with writing(engine) as conn:
        for seconds in (0, 1, 2):
            wish_for_sync(conn, ["a"], AT + seconds * SECOND)
        assert wished(conn) == AT
        assert waiting_companies(conn, AT, AT) == ["a"]
        grant_wish(conn, "a", AT - SECOND)
        assert wished(conn) == AT
        grant_wish(conn, "a", AT)
        assert wished(conn) is None


def test_a_wish_while_the_one_before_is_granted_is_kept(engine):
    """The reading that began may have passed by what changed only now."""
    with writing(engine) as conn:
        ensure_states(conn, ["a"], AT)
        wish_for_sync(conn, ["a"], AT)
        set_state(conn, "a", began_at=AT + 60 * SECOND)
        for seconds in (70, 80):
            wish_for_sync(conn, ["a"], AT + seconds * SECOND)
        grant_wish(conn, "a", AT + 60 * SECOND)
        assert wished(conn) == AT + 70 * SECOND
