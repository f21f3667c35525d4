"""Commands to set up and to check: init, check, explain, demo."""

import sys
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import click

from ..demo.demo import FILES, run_demo
from ..demo.stand_in import ledgers_with_stand_in
from ..errors import CompanyMustAct, PuntualError
from ..history.books import ensure_company
from ..history.database import reading, writing
from ..history.read import currencies_in_books
from ..history.warnings import standing_warnings
from ..notices.check import check_templates
from ..notices.tone import Severity
from ..policy.explain import explain
from ..policy.json_schema import policy_json_schema, schema_text
from ..policy.lint import missing_payment_details, warnings
from ..policy.problems import Finding
from ..policy.read import located
from ..policy.reference import policy_reference
from ..worker.access import connection_said, connection_warnings
from ..worker.clock import SystemClock
from ..worker.desk import Desk
from ..worker.links import check_providers, no_payment_code
from ..worker.places import shown_path
from ..worker.wiring import connector_entry, desk_of, load_policy, policy_path, usable_ledger_kinds
from .common import A_PERSON_MUST_ACT, company, directory, say, told, warn

SCHEMA_FILE = "puntual.policy.schema.json"
STARTERS = ("files", "odoo", "quickbooks", "xero")
"""The ledgers for which there is a policy to start from."""


@click.command("init")
@company
@directory
@click.option("--ledger", type=click.Choice(STARTERS), default="files", help="Where the books are.")
@told
def init_command(company: str, directory: Path, ledger: str) -> None:
    """Make a policy file to start from, in shadow mode."""
    path = directory / "companies" / f"{company}.yaml"
    if not company.isidentifier() and not company.replace("-", "_").isidentifier():
        raise click.UsageError("a company's name here is a file name: letters, digits, - and _")
    if path.exists():
        raise click.UsageError(f"{path} is there already and is not touched")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = files("puntual").joinpath("core", "policy", "starters", f"{ledger}.yaml").read_text(encoding="utf-8")
    path.write_text(text.replace("COMPANY", company), encoding="utf-8")
    write_schema(path.parent / SCHEMA_FILE)
    say(f"Wrote {path}. Fill it in, then:")
    say(f"  puntual check {company}     what is missing or wrong, with line and column")
    if connector_entry(ledger).authorizer:
        say("  puntual keys new".ljust(21 + len(company)) + "a key that protects the connection; it goes into PUNTUAL_KEYS")
        say(f"  puntual connect {company}   let Puntual into the books, in a browser")
    say(f"  puntual explain {company}   the policy in sentences")
    say(f"  puntual plan {company}      read the books and say what would happen; nothing is sent")


def write_schema(path: Path) -> None:
    """The JSON Schema of policy files, so that editors complete them."""
    path.write_text(schema_text(usable_ledger_kinds()), encoding="utf-8")


@click.command("check")
@company
@directory
@click.option("--offline", is_flag=True, help="Do not connect to the ledger.")
@told
def check_command(company: str, directory: Path, offline: bool) -> None:
    """Check the policy, the texts and the connection to the ledger, and say everything that is wrong."""
    desk = desk_of(directory, company, SystemClock(), load_policy(directory, company))
    path = policy_path(directory, company)
    texts = check_templates(desk.renderer, desk.policy)
    refused = [str(f) for f in texts if f.severity is Severity.REFUSE] + _placed(path, _missing_payment_details(desk))
    advice = [str(f) for f in texts if f.severity is Severity.WARN] + _placed(path, warnings(desk.policy, desk.today()))
    refused += _links_unusable(desk)
    advice += no_payment_code(desk.policy) + _ledger_warnings(desk) + connection_warnings(desk)
    if stands := connection_said(desk):
        say(stands)
    if not offline:
        refused += _check_ledger(desk)
    for line in refused:
        warn(f"wrong: {line}")
    for line in advice:
        warn(f"advice: {line}")
    if refused:
        sys.exit(A_PERSON_MUST_ACT)
    say(f"{company}: the policy, the texts{'' if offline else ' and the ledger'} are in order; mode {desk.policy.mode.value}.")


def _placed(path: Path, found: Iterable[Finding]) -> list[str]:
    return [str(problem) for problem in located(found, path.read_bytes(), shown_path(path))]


def _missing_payment_details(desk: Desk) -> list[Finding]:
    with writing(desk.engine) as conn:
        ensure_company(conn, desk.company)
    with reading(desk.engine) as conn:
        return missing_payment_details(desk.policy, currencies_in_books(conn, desk.company))


def _ledger_warnings(desk: Desk) -> list[str]:
    with reading(desk.engine) as conn:
        return standing_warnings(conn, desk.company)


def _links_unusable(desk: Desk) -> list[str]:
    """What is missing on this machine for the policy's payment links."""
    try:
        check_providers(desk)
    except CompanyMustAct as error:
        return [str(error)]
    return []


def _check_ledger(desk: Desk) -> list[str]:
    ledger = desk.open_ledger()
    try:
        seller = ledger.check()
    except PuntualError as error:
        return [str(error)]
    finally:
        ledger.close()
    details = ", ".join(part for part in (seller.currency, seller.time_zone, seller.ledger_version) if part)
    say(f"The books are those of {seller.name}{f' ({details})' if details else ''}.")
    return []


@click.command("explain")
@company
@directory
@told
def explain_command(company: str, directory: Path) -> None:
    """The policy as sentences that a bookkeeper can check."""
    for sentence in explain(load_policy(directory, company)):
        say(sentence)


@click.command("demo")
@click.option("--dir", "directory", type=click.Path(file_okay=False, path_type=Path), default=Path("demo"), help="Where to put it.")
@click.option(
    "--ledger",
    type=click.Choice([FILES, *ledgers_with_stand_in()]),
    default=FILES,
    help="Where its books are: in CSV files, or in a stand-in of that ledger, which needs no account.",
)
@click.option("--serve", is_flag=True, help="Keep the stand-in up until Ctrl-C, for other commands in another terminal.")
@told
def demo_command(directory: Path, ledger: str, serve: bool) -> None:
    """A sample company, its books, and real runs on them; mails land in a folder, notes in the books."""
    if serve and ledger == FILES:
        raise click.UsageError("--serve is for a stand-in: add --ledger; books in files stay where they are")
    sys.exit(run_demo(directory, ledger, say, lambda companies: write_schema(companies / SCHEMA_FILE), serve=serve))


@click.command("schema")
@click.option("--as", "form", type=click.Choice(["json", "markdown"]), default="json", help="For editors, or for people.")
@told
def schema_command(form: str) -> None:
    """Print the JSON Schema of policy files, or their reference."""
    text = schema_text(usable_ledger_kinds()) if form == "json" else policy_reference(policy_json_schema(usable_ledger_kinds()))
    say(text.rstrip())


COMMANDS = (init_command, check_command, explain_command, demo_command, schema_command)
