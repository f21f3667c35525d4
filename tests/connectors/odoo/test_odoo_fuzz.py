"""Whatever a server answers, core hears a value or an error of core.errors: right answers with one value of them put wrong."""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odoo.stub_harness import StubHarness
from puntual.connectors.odoo.connector import OdooConnector
from puntual.core.bookings import Note, Task
from puntual.core.errors import PuntualError

DUE = date(2026, 3, 2)
_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**12),
    st.decimals(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(["9999-99-99", "1-01-01", "0000-00-00 00:00:00"]),
    st.just([]),
    st.just({}),
    st.just([1, "x"]),
)


@pytest.fixture(scope="module")
def harness() -> Iterator[StubHarness]:
    made = StubHarness(18)
    partner = made.books.add_partner("Talleres Sur S.L.", is_company=True, tags=("A",))
    invoice = made.books.add_invoice(partner, [(DUE, Decimal(10))], issued_on=DUE)
    made.books.pay(invoice, Decimal(4), on=DUE)
    made.books.add_payment(partner, Decimal(1), on=DUE)
    made.books.message(made.books.admin, move=invoice)
    made.books.print_invoice(invoice)
    yield made
    made.close()


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every place in an answer that holds a value: the container and the key."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, inner in items for place in [(value, key), *_places(inner)]]


def _uses(connector: OdooConnector) -> list[Callable[[], object]]:
    note = Note("PUNTUAL-1", "1", "1", "[PUNTUAL-1]", DUE)
    task = Task("PUNTUAL-2", "1", "1", "Llamar", "[PUNTUAL-2]", DUE)
    return [
        connector.check,
        lambda: list(connector.changes(None)),
        lambda: connector.recheck(["1"]),
        lambda: connector.put_notes([note]),
        lambda: connector.put_tasks([task]),
        lambda: connector.payment_pages(["1"]),
        lambda: connector.invoice_pdf("1"),
    ]


@settings(max_examples=150, deadline=None, database=None)
@given(use=st.integers(0, 6), turn=st.integers(0, 25), place=st.integers(0, 400), value=_VALUES)
def test_no_answer_lets_another_exception_out(harness: StubHarness, use: int, turn: int, place: int, value: Any) -> None:
    connector = harness.new()
    wire = connector._reader.wire
    ask, answers = wire.execute, count()

    def bent(*positional: Any, **named: Any) -> Any:
        answer = ask(*positional, **named)
        if next(answers) != turn:
            return answer
        places = _places(answer)
        if not places or place % 10 == 0:
            return value
        container, key = places[place % len(places)]
        container[key] = value
        return answer

    wire.execute = bent  # type: ignore[method-assign]
    try:
        _uses(connector)[use]()
    except PuntualError:
        pass  # told in words, which is all that is asked here
    finally:
        connector.close()
