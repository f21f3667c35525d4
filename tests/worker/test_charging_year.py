"""A year of hours: however often Puntual runs, it charges exactly as often as the policy says, and exactly what it says.

`PUNTUAL_YEAR_STEP=1` runs every hour of the year; otherwise every seventh hour, which meets every hour of the day.
"""

import os
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

from history.sample_books import TODAY
from puntual.core.worker.run import run
from sqlalchemy import event
from worker.charge_office import AGREED, KEEP, charging, written

YEAR_LATER = TODAY + timedelta(days=365)
PAID_ON = TODAY + timedelta(days=100)
STEP = timedelta(hours=int(os.environ.get("PUNTUAL_YEAR_STEP", "7")))
RULES = (
    AGREED,
    "{key: tenth, kind: percentage, percent: 1, every: 10}",
    "{key: monthly, kind: flat_fee, amount: {EUR: 5}, every: month}",
    "{key: once, kind: compensation}",
)
EACH_MONTH = [date(2026, month, 13) for month in range(5, 13)] + [date(2027, month, 13) for month in range(1, 5)]
EACH_TENTH_DAY = [TODAY + timedelta(days=n) for n in range(0, 365, 10)]


def test_hourly_for_a_year_charges_exactly_as_often_as_the_policy_says(office):
    event.listen(office.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    office.engine.dispose()
    charging(office, *RULES, settings=KEEP)
    office.books.owe("i1", total="1000", late=1)
    desk, at = office.desk(), datetime(2026, 5, 12, 22, tzinfo=UTC)
    while (day := _day(office, desk, at)) < YEAR_LATER:
        if day >= PAID_ON and not office.books.allocations:
            office.books.pay("i1", "400", on=PAID_ON)
        run(desk, day, at_any_hour=True)
        at += STEP
    found = _by_rule(office)
    assert {rule: [on for on, _ in made] for rule, made in found.items()} == {
        "agreed": EACH_MONTH[1:], "tenth": EACH_TENTH_DAY, "monthly": EACH_MONTH, "once": [TODAY]
    }  # fmt: skip
    interest = (101 * 1000 + 234 * 600) * 12 / 36500
    sums = {rule: sum(amount for _, amount in made) for rule, made in found.items()}
    assert (round(interest, 2), sums) == (79.36, {"agreed": 7936, "tenth": 11 * 1000 + 26 * 600, "monthly": 12 * 500, "once": 4000})


def _day(office, desk, at):
    office.clock.at = at
    office.books.last_bank_entry_on = desk.today()
    return desk.today()


def _by_rule(office):
    """Day and amount in cents of each charge in the books, by rule."""
    rules = {"Intereses": "agreed", "Compensación": "once"}
    found = defaultdict(list)
    for one in written(office):
        by_sum = "monthly" if one.amount.minor == 500 else "tenth"
        found[rules.get(one.text.split()[0], by_sum)].append((one.charged_on, one.amount.minor))
    return {rule: sorted(made) for rule, made in found.items()}
