"""What the bench measures. Each measure runs in a process of its own and prints its figures as JSON, with its peak memory."""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from puntual.core.dunning.charge_judgement import judge_charges
from puntual.core.dunning.charge_rules import ChargeBook
from puntual.core.dunning.plan import Rulebook, plan
from puntual.core.history.charge_marks import due_item_ids
from puntual.core.history.charge_reading import charge_facts
from puntual.core.history.database import open_database, reading, writing
from puntual.core.history.read import due_customers, open_customer_ids
from puntual.core.history.rows import ITEM_COLUMNS
from puntual.core.history.tables import items
from puntual.core.history.waking import wake
from puntual.core.policy.countries import country_pack
from sqlalchemy import Engine, select

from . import sample

Figures = dict[str, Any]


def fill(database: Path, count: int) -> Figures:
    """Store the books."""
    seconds = _timed(lambda: sample.fill(database, count))
    return {"seconds": seconds, "items_a_second": count / seconds}


def quiet_day(database: Path, _: int) -> Figures:
    """A day on which nothing is due."""
    engine, rulebook = open_database(f"sqlite:///{database}"), Rulebook.of(sample.policy())

    def day() -> None:
        with reading(engine) as conn:
            made = plan(sample.COMPANY, due_customers(conn, sample.COMPANY, sample.QUIET_DAY), rulebook, sample.QUIET_DAY)
        assert not made.actions

    return {"seconds": _timed(day)}


def due_day(database: Path, _: int) -> Figures:
    """A day on which 2 % are due, and the mere reading of the same rows."""
    engine, rulebook = open_database(f"sqlite:///{database}"), Rulebook.of(sample.policy())
    counted: list[int] = []

    def day() -> None:
        with reading(engine) as conn:
            made = plan(sample.COMPANY, due_customers(conn, sample.COMPANY, sample.TODAY), rulebook, sample.TODAY)
        counted.append(sum(len(action.items) for action in made.actions))

    def read_only() -> None:
        with reading(engine) as conn:
            query = select(*ITEM_COLUMNS).where(items.c.company == sample.COMPANY, items.c.next_action_on <= sample.TODAY)
            assert conn.execute(query).all()

    read_only()
    seconds = min(_timed(day) for _ in range(3))
    reads = min(_timed(read_only) for _ in range(3))
    return {"items": counted[0], "seconds": seconds, "items_a_second": counted[0] / seconds, "times_reading": seconds / reads}


def quiet_charges(database: Path, _: int) -> Figures:
    """A day on which no late charge is due, with a policy that charges."""
    engine, rulebook = open_database(f"sqlite:///{database}"), Rulebook.of(sample.policy(sample.CHARGING))
    book = ChargeBook.of(rulebook.policy, country_pack)
    return {"seconds": _timed(lambda: _judged(engine, rulebook, book, sample.QUIET_DAY))}


def due_charges(database: Path, _: int) -> Figures:
    """A day on which 2 % of the items have a week of interest to be charged; the mere reading of their rows, and the planning of as many
    that are due a notice."""
    engine, rulebook = open_database(f"sqlite:///{database}"), Rulebook.of(sample.policy(sample.CHARGING))
    book, counted = ChargeBook.of(rulebook.policy, country_pack), list[int]()

    def day() -> None:
        counted.append(_judged(engine, rulebook, book, sample.CHARGE_DAY))

    def planned() -> None:
        with reading(engine) as conn:
            plan(sample.COMPANY, due_customers(conn, sample.COMPANY, sample.TODAY), rulebook, sample.TODAY)

    def read_only() -> None:
        with reading(engine) as conn:
            query = select(*ITEM_COLUMNS).where(items.c.company == sample.COMPANY, items.c.next_charge_on <= sample.CHARGE_DAY)
            assert conn.execute(query).all()

    seconds, plans, reads = (min(_timed(work) for _ in range(3)) for work in (day, planned, read_only))
    figures = {"items": counted[0], "seconds": seconds, "items_a_second": counted[0] / seconds}
    return figures | {"times_planning": seconds / plans, "times_reading": seconds / reads}


def _judged(engine: Engine, rulebook: Rulebook, book: ChargeBook, day: date) -> int:
    """How many charges are due on this day, each decided with its calculation."""
    with reading(engine) as conn:
        ids = due_item_ids(conn, sample.COMPANY, day)
        facts = charge_facts(conn, sample.COMPANY, ids, rulebook, day)
        due = sum(len(judge_charges(one, book, day).due) for one in facts)
    assert due == len(ids), (due, len(ids))
    return due


def policy_change(database: Path, count: int) -> Figures:
    """A policy change: every open item is judged anew."""
    engine = open_database(f"sqlite:///{database}")
    rulebook = Rulebook.of(sample.policy(sample.POLICY.replace("days: -7", "days: -5")))

    def replan() -> None:
        with reading(engine) as ids_from:
            for ids in open_customer_ids(ids_from, sample.COMPANY):
                with writing(engine) as conn:
                    wake(conn, sample.COMPANY, ids, rulebook, sample.QUIET_DAY)

    seconds = _timed(replan)
    return {"seconds": seconds, "items_a_second": count / seconds}


def _timed(work: Callable[[], Any]) -> float:
    gc.collect()
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


MEASURES: dict[str, Callable[[Path, int], Figures]] = {
    "fill": fill,
    "quiet_day": quiet_day,
    "due_day": due_day,
    "policy_change": policy_change,
    "quiet_charges": quiet_charges,
    "due_charges": due_charges,
}


def main() -> None:
    """NAME DATABASE COUNT: one measure."""
    from . import full_path, odoo_import

    name, database, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    measures = {**MEASURES, "full_path": full_path.measure, "odoo_import": odoo_import.measure}
    figures = measures[name](database, count)
    figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
