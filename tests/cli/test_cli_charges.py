"""Late charges at the command line: seen with their calculation, approved, waived, and told of by a run."""

import csv
import json
import re
from datetime import date

import pytest
from history.sample_books import TODAY

RULES = "{key: interest, kind: statutory_interest}, {key: recovery, kind: compensation, from_days: 60}"
LATE = f"late_charges: {{rules: [{RULES}], announce: false, from_days: 1}}\ntolerance:"
CALCULATION = "2026-04-04 to 2026-05-03: 30 days × 1000.00 EUR × 10.15 % ÷ 365 = 8.342466 EUR"


@pytest.fixture
def charged(desktop):
    """c1 owes 1000 since 3 April; every charge needs a yes, and nobody is written to before day 300."""
    quiet = [(f", days: {days},", f", days: {days + 300},") for days in (1, 8, 15, 22)]
    desktop.policy(("tolerance:", LATE), *quiet)
    desktop.invoices("F-1,c1,2026-03-04,2026-04-03,1000.00,EUR,", "F-2,c1,2026-05-01,2026-06-30,50.00,EUR,")
    desktop.write("payments", "id,customer,paid_on,amount,currency,invoice", f"P-1,c2,{TODAY},1.00,EUR,")
    return desktop


def in_books(desktop):
    path = desktop.books / "puntual-charges.csv"
    if not path.exists():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [(row["invoice"], row["amount"]) for row in csv.DictReader(file)]


def test_what_is_due_is_shown_with_its_calculation_and_what_is_not_with_its_reason(charged):
    charged.on("sync", "acme")
    said = charged.on("charges", "acme", "F-1")
    assert "due since 2026-05-04  interest: 8.34 EUR, needs approval" in said
    assert CALCULATION in said
    assert "not now  interest: period_running: the next charge is due on 2026-06-04" in said
    assert "not now  recovery: not_late_enough: charged from 2026-06-02 on" in said
    assert "may come  recovery: 40.00 EUR, from 2026-06-02" in said
    assert "F-2" not in charged.on("charges", "acme")
    assert "not_late_enough: charged from 2026-07-01 on" in charged.on("charges", "acme", "F-2")
    assert "no invoice 'F-9'" in charged.on("charges", "acme", "F-9", code=1)


def test_a_run_proposes_a_person_approves_and_the_next_run_writes_it_once(charged):
    said = charged.on("run", "acme", code=1)
    assert "Waits for approval: 8.34 EUR for lateness (interest) on invoice F-1: puntual approve acme" in said
    key = said.split("puntual approve acme ")[1].split()[0]
    assert in_books(charged) == []
    assert f"{key}  interest: 8.34 EUR, waiting" in charged.on("charges", "acme")
    assert "Approved 1 item" in charged.puntual("approve", "acme", key)
    assert "Charged 8.34 EUR (interest) on invoice F-1, in the books as F-1/L1." in charged.on("run", "acme")
    assert in_books(charged) == [("F-1", "8.34")]
    charged.on("run", "acme")
    assert in_books(charged) == [("F-1", "8.34")]
    said = charged.on("charges", "acme", "F-1")
    assert f"{key}  interest: 8.34 EUR, charged on 2026-05-13 as F-1/L1, 8.34 EUR in the books" in said
    assert CALCULATION in said
    assert "charge_made" in charged.puntual("history", "acme", "F-1")
    assert "1 late charge of our own" in charged.on("status", "acme")
    assert "whole" in charged.puntual("verify", "acme")


def test_the_published_form(charged):
    charged.on("sync", "acme")
    (first,) = json.loads(charged.on("charges", "acme", "--json"))
    assert first.keys() == {"item", "customer", "charges", "credits", "due", "to_take_back", "not_charged", "may_come"}
    assert {key: first["due"][0][key] for key in ("rule", "amount", "currency", "due_on", "needs_approval")} == {
        "rule": "interest", "amount": "8.34", "currency": "EUR", "due_on": "2026-05-04", "needs_approval": True
    }  # fmt: skip
    assert first["due"][0]["calculation"]["lines"][0].startswith(CALCULATION)
    charged.on("run", "acme", code=1)
    charged.puntual("approve", "acme", "--all")
    charged.on("run", "acme")
    (first,) = json.loads(charged.on("charges", "acme", "F-1", "--json"))
    assert first["due"] == []
    (made,) = first["charges"]
    assert (made["status"], made["document"], made["total"], made["charged_on"]) == ("made", "F-1/L1", "8.34", "2026-05-13")


def test_a_waiver_keeps_its_reason_and_one_of_a_charge_in_the_books_is_credited_by_the_next_run(charged):
    charged.on("run", "acme", code=1)
    key = charged.output.split("puntual approve acme ")[1].split()[0]
    charged.on("waive", "acme", key, code=2)
    assert "Waived 8.34 EUR (interest) on invoice F-1: a good customer" in charged.on("waive", "acme", key, "--reason", "a good customer")
    assert "work list" not in charged.output
    assert "waived (" in charged.on("charges", "acme")
    charged.on("run", "acme")
    later = date(2026, 6, 4)
    charged.write("payments", "id,customer,paid_on,amount,currency,invoice", f"P-1,c2,{later},1.00,EUR,")
    charged.on("run", "acme", code=1, day=later)
    charged.puntual("approve", "acme", "--all")
    charged.on("run", "acme", day=later)
    assert sorted(amount for _, amount in in_books(charged)) == ["40.00", "8.62"]
    key = charged.on("charges", "acme", "F-1", day=later).split("interest: 8.62")[0].split()[-1]
    assert "The next run credits it there" in charged.on("waive", "acme", key, "--reason", "a mistake of ours", day=later)
    said = "credit 8.62 EUR of the late charge interest on invoice F-1: waived: a mistake of ours"
    assert said in charged.on("plan", "acme", day=later)
    assert f"C{said[1:6]}ed{said[6:]}; " in charged.on("run", "acme", day=later)
    said = charged.on("charges", "acme")
    assert "8.62 EUR of it taken back: waived: a mistake of ours" in said
    assert re.search(r"credit of 8.62 EUR on F-1/L\d: made \(the document is void\)", said)
    assert "is charged no longer" in charged.on("waive", "acme", key, "--reason", "again", code=1)
    assert "0 late charges have a name" in charged.on("waive", "acme", "zzz", "--reason", "what", code=1)


def test_in_shadow_the_run_says_what_is_due_and_writes_nothing(charged):
    quiet = [(f", days: {days},", f", days: {days + 300},") for days in (1, 8, 15, 22)]
    charged.policy(("tolerance:", LATE), ("mode: live", "mode: shadow"), *quiet)
    assert "Mode is shadow: 1 late charge is due, nothing was charged." in charged.on("run", "acme")
    assert (in_books(charged), "due since 2026-05-04" in charged.on("charges", "acme")) == ([], True)


def test_a_policy_without_the_section_says_so(desktop):
    desktop.on("sync", "acme")
    assert "The policy charges nothing for lateness." in desktop.on("charges", "acme")


def test_check_says_what_is_unconfirmed_or_out_of_date_in_the_data_of_the_country(charged):
    advice = [line for line in charged.puntual("check", "acme").splitlines() if "advice: " in line]
    assert any("Spain: statutory interest between businesses" in line for line in advice)
    assert any("Spain: tax on compensation, none, is believed" in line for line in advice)
