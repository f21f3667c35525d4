"""`make bench`: every figure as a ratio to something measured in the same run, with peak memory. Nothing is asserted about time."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SIZES = (20_000, 1_000_000)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="make bench ARGS=…")
    parser.add_argument("--sizes", type=int, nargs="*", default=SIZES, help="open items in the books")
    parser.add_argument("--mails", type=int, default=1000, help="mails in the full path")
    parser.add_argument("--documents", type=int, default=100_000, help="documents imported from the ledger's stub")
    parser.add_argument("--companies", type=int, nargs="*", default=[1000], help="companies of a host; none: no measures of hosting")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite", help="the database of the host")
    chosen = parser.parse_args()
    print(f"{'what':<44} {'figure':>16} {'ratio':>28} {'aim':>22} {'peak MB':>8}")
    for size in chosen.sizes:
        _books(size)
    path = _measure("full_path", Path(), chosen.mails)
    _row(
        f"full path, {path['mails']} mails",
        f"{path['mails_a_second']:,.0f} mails/s",
        f"{path['times_bare_loop']:.2f} x bare loop",
        "<= 1.5 x",
        path,
    )
    brought = _measure("odoo_import", Path(), chosen.documents)
    ratio = f"{brought['times_parsing']:.1f} x parsing its JSON"
    _row(f"import of {chosen.documents:,} documents", f"{brought['documents_a_second']:,.0f} docs/s", ratio, "<= 4 x", brought)
    if chosen.companies:
        _hosting(chosen.companies, chosen.database)


def _books(size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "bench.db"
        _row(f"{size:,} items: storing them", *_rate(_measure("fill", database, size)), "")
        quiet = _measure("quiet_day", database, size)
        _row(f"{size:,} items: a day with nothing due", f"{quiet['seconds'] * 1000:,.1f} ms", "", "< 100 ms, 100 MB", quiet)
        due = _measure("due_day", database, size)
        ratio = f"{due['times_reading']:.1f} x reading the rows"
        _row(f"{size:,} items: a day with {due['items']:,} due", f"{due['items_a_second']:,.0f} items/s", ratio, ">= 50,000/s, <= 5 x", due)
        quiet = _measure("quiet_charges", database, size)
        _row(f"{size:,} items: a day with no charge due", f"{quiet['seconds'] * 1000:,.1f} ms", "", "< 100 ms, 100 MB", quiet)
        due = _measure("due_charges", database, size)
        ratio = f"{due['times_planning']:.1f} x planning, {due['times_reading']:.0f} x reading"
        _row(f"{size:,} items: a day with {due['items']:,} charges due", f"{due['items_a_second']:,.0f} charges/s", ratio, "", due)
        changed = _measure("policy_change", database, size)
        _row(f"{size:,} items: a policy change", f"{changed['items_a_second']:,.0f} items/s", "", ">= 20,000/s", changed)


def _hosting(sizes: list[int], kind: str) -> None:
    for size in sizes:
        host = _hosted("roster", kind, size)
        memory = f"{host['kb_each']:.0f} KB each, {host['resident_mb']:.0f} MB in all"
        _row(f"{size:,} companies: reading a policy", f"{host['welcome_cpu_ms_each']:.1f} ms cpu", memory, "")
        _row(f"{size:,} companies: a pulse", f"{host['pulse_cpu_ms']:.1f} ms cpu", f"{host['look_at_cpu_ms']:.2f} ms to look at one", "")
    for ledger in ("quickbooks", "xero", "odoo"):
        for what in ("sync", "run", "complete"):
            idle = _hosted("idle", kind, ledger, what)
            told = f"{idle['calls']:.0f} calls, {idle['write_transactions']:.0f} writes"
            _row(f"{ledger}: {what}, nothing new", f"{idle['cpu_ms']:.0f} ms cpu", told, "")
    for ledger in ("quickbooks", "odoo"):
        for threads in (4, 16):
            busy = _hosted("busy", kind, ledger, threads, 200)
            _row(
                f"{ledger}: {threads} threads, 200 ms a call",
                f"{busy['jobs_a_second']:.1f} jobs/s",
                f"{busy['cpu_ms_each']:.0f} ms cpu each",
                "",
            )
    told = _hosted("webhooks", kind, 8)
    _row("webhooks of 8 senders", f"{told['a_second']:.0f} a second", f"{told['cpu_ms_each']:.1f} ms cpu each", "")


def _hosted(*words: object) -> dict[str, Any]:
    return _printed("tests.bench.hosting", *map(str, words))


def _rate(figures: dict[str, Any]) -> tuple[str, str]:
    return f"{figures['items_a_second']:,.0f} items/s", ""


def _row(what: str, figure: str, ratio: str, aim: str, figures: dict[str, Any] | None = None) -> None:
    peak = f"{figures['peak_mb']:,.0f}" if figures else ""
    print(f"{what:<44} {figure:>16} {ratio:>28} {aim:>22} {peak:>8}", flush=True)


def _measure(name: str, database: Path, count: int) -> dict[str, Any]:
    return _printed("tests.bench.measures", name, str(database), str(count))


def _printed(module: str, *words: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-m", module, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


if __name__ == "__main__":
    main()
