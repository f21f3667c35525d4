"""An office whose policy charges lateness, and what a test asks of it."""

from datetime import date, timedelta

from history.sample_books import COMPANY
from puntual.core.bookings import LateCharge
from puntual.core.history.charge_rows import KeptCharge
from puntual.core.history.charges import charges_with
from puntual.core.history.database import reading
from puntual.core.history.work import waiting_work
from puntual.core.worker.run import RunReport
from worker.office import Office

AGREED = "{key: agreed, kind: contract_interest, annual_percent: 12}"
FEE = "{key: fee, kind: flat_fee, amount: {EUR: 15}}"
UNASKED = "announce: false, approval: false, from_days: 1, tax: {late_fee: none}"
KEEP = f"{UNASKED}, after_payment: keep"


def charging(office: Office, *rules: str, settings: str = UNASKED) -> None:
    """From the next desk on these rules charge, by one settings line, and no notice is sent before day 300."""
    office.rule("tolerance: {EUR: 1}\n", f"tolerance: {{EUR: 1}}\nlate_charges: {{rules: [{', '.join(rules)}], {settings}}}\n")
    office.rule("      - {key: upcoming, days: -7, notice: before_due}\n", "")
    for key, days in (("reminder", 1), ("second", 8), ("final", 22)):
        office.rule(f"key: {key}, days: {days}", f"key: {key}, days: {days + 300}")
    office.rule("key: call, days: 15", "key: call, days: 315")


def run_on(office: Office, day: date, **more: object) -> RunReport:
    """A run of that day, with books that are up to date."""
    office.books.last_bank_entry_on = day
    return office.run(day, **more)


def run_each(office: Office, first: date, days: int, step: int = 1) -> None:
    """A run on each of these days."""
    for n in range(0, days, step):
        run_on(office, first + timedelta(days=n))


def written(office: Office) -> list[LateCharge]:
    """What stands in the books, in the order of writing."""
    return [charge for charge, _ in office.books.charges.values()]


def kept(office: Office) -> dict[str, KeptCharge]:
    """Every charge that was decided on, by rule and last day."""
    with reading(office.engine) as conn:
        return {f"{one.key.rule} {one.last}": one for one in charges_with(conn, COMPANY)}


def states(office: Office) -> list[tuple[str, str, str]]:
    """Rule, amount and status of every charge."""
    return [(one.key.rule, str(one.amount.amount), one.status.value) for one in kept(office).values()]


def on_list(office: Office, kind: str) -> list[str]:
    """The summaries of that kind on the work list."""
    with reading(office.engine) as conn:
        return [one.summary for one in waiting_work(conn, COMPANY) if one.kind == kind]
