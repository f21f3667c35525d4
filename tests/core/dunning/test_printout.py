"""The plan as people and programs read it."""

import json
from dataclasses import replace
from datetime import timedelta

from dunning_cases import GOMEZ, TUESDAY, credit, invoice, owing, plan_for, policy
from puntual.core.dunning.printout import as_json, as_lines

PLAN = plan_for(
    owing(invoice("F-1", "1210.00"), invoice("F-2", "50.00", "50.00"), invoice("F-3", "7.50", currency="USD"), credits=(credit("20.00"),)),
    owing(replace(invoice("F-4", "80.00"), customer_id="luna"), customer=replace(GOMEZ, id="luna", name="Bar Luna", email="")),
)

TOLD = """\
acme, Tuesday 2026-04-14: 1 notice, 1 task, 1 item left alone

write  Talleres Gómez <pagos@gomez.example>: reminder, 1260.00 EUR + 7.50 USD
         F-1  1210.00 EUR  due 2026-04-13  reminder
         F-2 (1/2)  50.00 EUR  due 2026-04-13  reminder
         F-3  7.50 USD  due 2026-04-13  reminder
         credit AB-1  -20.00 EUR
         why: invoice F-1 was due 1 day ago; level 'reminder' (day +1); 2 more items of this customer in the same message

task   no address for Bar Luna: 80.00 EUR
         F-4  80.00 EUR  due 2026-04-13  reminder
         why: invoice F-4 was due 1 day ago; level 'reminder' (day +1); there is no usable address to write to

Left alone:
  F-2  not_due_yet: next: level 'upcoming' on 2026-05-06"""


def test_the_plan_in_lines() -> None:
    assert "\n".join(as_lines(PLAN)) == TOLD


def test_the_skipped_may_be_counted() -> None:
    later = [invoice(f"F-{n}", due=TUESDAY + timedelta(days=30)) for n in (1, 2)]
    assert list(as_lines(plan_for(owing(*later, replace(invoice("F-3"), disputed="price"))), every_skipped=False))[2:] == [
        "Left alone:",
        "       1  disputed",
        "       2  not_due_yet",
    ]


def test_a_notice_that_needs_a_yes_asks() -> None:
    final = policy(procedures__standard={"levels": [{"key": "final", "days": 1, "notice": "final", "needs_approval": True}]})
    assert "ask    Talleres Gómez <pagos@gomez.example>: final, 100.00 EUR" in as_lines(plan_for(owing(invoice()), by=final))


def test_json_has_the_keys_that_programs_rely_on() -> None:
    told = json.loads(json.dumps(as_json(PLAN)))
    assert told.keys() == {"company", "as_of", "actions", "skipped"}
    assert (told["company"], told["as_of"]) == ("acme", "2026-04-14")
    notice, task = told["actions"]
    for action in (notice, task):
        assert action.keys() >= {"kind", "level", "customer", "items", "totals", "channel", "due_on", "reason", "key"}
    assert {key: notice[key] for key in ("kind", "level", "customer", "items", "totals", "channel", "due_on")} == {
        "kind": "notice",
        "level": "reminder",
        "customer": "gomez",
        "items": ["F-1", "F-2", "F-3"],
        "totals": {"EUR": "1260.00", "USD": "7.50"},
        "channel": "email",
        "due_on": "2026-04-14",
    }
    assert (task["kind"], task["task"], task["to"]) == ("task", "no_address", None)
    assert told["skipped"][0].keys() >= {"item", "reason"}
    assert (told["skipped"][0]["item"], told["skipped"][0]["reason"], told["skipped"][0]["until"]) == ("F-2", "not_due_yet", "2026-05-05")


def test_the_key_is_the_same_however_often_it_is_planned() -> None:
    facts = owing(invoice("F-1"), invoice("F-2"))
    keys = {plan_for(replace(facts, items=items)).actions[0].key for items in (facts.items, facts.items[::-1])}
    assert len(keys) == 1
    assert plan_for(owing(invoice("F-1"))).actions[0].key not in keys
