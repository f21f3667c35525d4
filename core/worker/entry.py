"""Entry points for a host that installs Puntual as an add-on; plugin.yaml names them."""

from datetime import date
from pathlib import Path

from . import payments_told
from .clock import SystemClock
from .run import RunReport, run
from .wiring import desk_of


def run_company(directory: Path, company: str, on: date | None = None) -> RunReport:
    """One run of one company whose policy is `directory`/companies/`company`.yaml, as `puntual run` does it. `on` is the day to judge from,
    today in the company's zone by default. Raises what `run` raises: errors of core.errors, which say who must act."""
    desk = desk_of(directory, company, SystemClock())
    return run(desk, on or desk.today())


def payment_told(directory: Path, company: str, body: bytes, signature: str) -> bool:
    """Take a delivery of Stripe to this company's address: the raw body, and the header `stripe-signature`. Answer 200 when it is True,
    400 when it is not genuine."""
    return payments_told.payment_told(desk_of(directory, company, SystemClock()), body, signature)
