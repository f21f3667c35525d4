"""Every policy key matters: for each there is an example that changes a plan, a mail or a run, or the test elsewhere that proves it."""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from house.package import ROOT, tree_of
from house.policy_effects import (
    attached,
    charged,
    dialled,
    discounted,
    enveloped,
    guarded,
    planned,
    policy,
    rendered,
    rendered_in_switzerland,
    today_there,
    whole_run,
)
from puntual.core.policy.explain import explain
from puntual.core.policy.json_schema import policy_json_schema
from puntual.core.policy.schema import Policy

Effect = Callable[[Policy], str]
LINKS = "tests/worker/test_run_links.py::"
SMTP = "tests/core/channels/test_smtp.py::"
SIGNED = {"name": "Ana Soler"}
PAY = {"iban": "ES91 2100 0418 4502 0005 1332"}
RUNG = {"key": "first", "days": 1, "notice": "reminder"}
LAST = {"key": "last", "days": 30, "notice": "second"}


@dataclass(frozen=True)
class Example:
    """With `before` and with `after` in the policy, what comes about is different."""

    effect: Effect
    after: Mapping[str, Any]
    before: Mapping[str, Any] = field(default_factory=dict)


def ladder(**rung: Any) -> dict[str, Any]:
    return {"procedures__standard": {"levels": [{key: value for key, value in {**RUNG, **rung}.items() if value is not None}, LAST]}}


def rule(match: dict[str, Any], **then: Any) -> dict[str, Any]:
    return {"customers": [{"match": match, **(then or {"procedure": "gentle"})}]}


def signed(**more: str) -> Example:
    return Example(rendered, {"mail__signature": {**SIGNED, **more}})


def paid_to(**details: str) -> Example:
    return Example(rendered, {"payment_details": {"EUR": {**PAY, **details}}}, {"payment_details": {"EUR": PAY}})


def linked(**more: Any) -> Example:
    code = {"provider": "bank_transfer"}
    return Example(rendered, {"payment_links": [{**code, **more}]}, {"payment_links": [code]})


def swiss(**changed: str) -> Example:
    """The code of a Swiss account, to a customer in Switzerland."""
    at = {"postcode": "2501", "town": "Biel", "country": "CH"}
    account, code = {"iban": "CH5800791123000889012"}, {"payment_links": ["bank_transfer"]}
    after = {**code, "payment_details": {"EUR": {**account, "address": {**at, **changed}}}}
    return Example(rendered_in_switzerland, after, {**code, "payment_details": {"EUR": {**account, "address": at}}})


def served(**more: Any) -> Example:
    smtp = {"host": "mail.soler.example"}
    return Example(dialled, {"mail__smtp": {**smtp, **more}}, {"mail__folder": "", "mail__smtp": smtp})


AGREED = {"key": "a", "kind": "contract_interest", "annual_percent": 12}
STATUTE = {"key": "a", "kind": "statutory_interest"}
FEE = {"key": "a", "kind": "flat_fee", "amount": {"EUR": 10}}
SHARE = {"key": "a", "kind": "percentage", "percent": 2}
RECOVERY = {"key": "a", "kind": "compensation"}
ITS_CHARGES = {"start": "2025-01-01", "after_payment": "keep", "tax": {"late_fee": "none"}}


def charges(*rules: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"late_charges": {**ITS_CHARGES, **more, "rules": [*rules]}}


def on_rule(rule: dict[str, Any], **more: Any) -> Example:
    return Example(charged, charges({**rule, **more}), charges(rule))


def on_charges(*rules: dict[str, Any], **more: Any) -> Example:
    return Example(charged, charges(*rules, **more), charges(*rules))


def best(*keys: str) -> dict[str, Any]:
    three = ({**FEE, "key": "x"}, {**SHARE, "key": "y"}, {**FEE, "key": "z", "amount": {"EUR": 300}})
    return charges(*three, {"key": "a", "kind": "higher_of", "of": [*keys]})


def exempt(match: dict[str, Any], reason: str = "a pact") -> dict[str, Any]:
    return charges(AGREED, exempt=[{"match": match, "reason": reason}])


def offering(**more: Any) -> Example:
    own = {"percent": 2, "days": 10}
    return Example(discounted, {"early_payment_discount": {**own, **more}}, {"early_payment_discount": own})


def offering_to(match: dict[str, Any], other: dict[str, Any]) -> Example:
    before, after = ({"early_payment_discount": {"percent": 2, "days": 10, "match": one}} for one in (other, match))
    return Example(discounted, after, before)


EXAMPLES: dict[str, Example] = {
    "company.name": Example(rendered, {"company__name": "Otra Empresa, S.L."}),
    "company.country": Example(planned, {"company__country": "FR"}, {"company__region": ""} | {"company__country": "ES"}),
    "company.region": Example(planned, {"company__region": "CT"}),
    "company.locale": Example(rendered, {"company__locale": "en_GB"}),
    "company.time_zone": Example(today_there, {"company__time_zone": "Atlantic/Azores"}),
    "company.form_of_address": Example(rendered, {"company__form_of_address": "tu"}),
    "mail.from": Example(enveloped, {"mail__from": "Cobros <pagos@soler.example>"}),
    "mail.reply_to": Example(enveloped, {"mail__reply_to": "ana@soler.example"}),
    "mail.signature.name": Example(rendered, {"mail__signature": {"name": "Luis Soler"}}),
    "mail.signature.role": signed(role="Administración"),
    "mail.signature.phone": signed(phone="+34 910 000 000"),
    "mail.signature.email": signed(email="ana@soler.example"),
    "mail.smtp.host": served(host="smtp.soler.example"),
    "mail.smtp.port": served(port=2525),
    "mail.smtp.security": served(security="tls"),
    "mail.smtp.timeout_seconds": served(timeout_seconds=9),
    "mail.folder": Example(whole_run, {"mail__folder": "salida"}),
    "mail.attach_invoice_pdf": Example(attached, {"mail__attach_invoice_pdf": False}),
    "mode": Example(whole_run, {"mode": "shadow"}),
    "sending.days": Example(planned, {"sending__days": ["wed"]}),
    "sending.earliest": Example(whole_run, {"sending__earliest": "13:00"}),
    "sending.latest": Example(whole_run, {"sending__latest": "11:00"}),
    "sending.skip_public_holidays": Example(planned, {"sending__skip_public_holidays": False}),
    "sending.holidays": Example(planned, {"sending__holidays": ["2026-04-06"]}),
    "sending.min_days_between_contacts": Example(planned, {"sending__min_days_between_contacts": 12}),
    "sending.daily_limit": Example(planned, {"sending__daily_limit": 1}),
    "go_live.date": Example(planned, {"go_live": {"date": "2026-04-15", "old_debt": "ignore"}}),
    "go_live.old_debt": Example(planned, {"go_live": {"date": "2026-03-25", "old_debt": "matching_level"}}),
    "payment_details.*.holder": paid_to(holder="Soler Hermanos"),
    "payment_details.*.iban": paid_to(iban="ES79 2100 0813 6101 2345 6789"),
    "payment_details.*.bic": paid_to(bic="CAIXESBBXXX"),
    "payment_details.*.account": paid_to(iban="", account="000123456"),
    "payment_details.*.bank": paid_to(bank="CaixaBank"),
    "payment_details.*.instructions": paid_to(instructions="Cite el número de cliente."),
    "payment_details.*.address.street": swiss(street="Bahnhofstrasse"),
    "payment_details.*.address.building": swiss(building="7a"),
    "payment_details.*.address.postcode": swiss(postcode="8001"),
    "payment_details.*.address.town": swiss(town="Zürich"),
    "payment_details.*.address.country": swiss(country="LI"),
    "payment_links.provider": Example(rendered, {"payment_links": ["ledger"]}, {"payment_links": ["bank_transfer"]}),
    "payment_links.currencies": linked(currencies=["USD"]),
    "payment_links.min_amount.*": linked(min_amount={"EUR": 9000}),
    "payment_links.max_amount.*": linked(max_amount={"EUR": 10}),
    "procedures.*.levels.key": Example(planned, ladder(key="hello"), ladder()),
    "procedures.*.levels.days": Example(planned, ladder(days=2), ladder()),
    "procedures.*.levels.channel": Example(
        planned, {"procedures__standard": {"levels": [{"key": "first", "days": 1, "channel": "call"}, LAST]}}, ladder()
    ),
    "procedures.*.levels.notice": Example(rendered, ladder(notice="second"), ladder()),
    "procedures.*.levels.repeat.every_days": Example(
        planned, ladder(repeat={"every_days": 9, "at_most": 2}), ladder(repeat={"every_days": 7, "at_most": 2})
    ),
    "procedures.*.levels.repeat.at_most": Example(
        planned, ladder(repeat={"every_days": 7, "at_most": 2}), ladder(repeat={"every_days": 7, "at_most": 1})
    ),
    "procedures.*.levels.needs_approval": Example(planned, ladder(needs_approval=True), ladder()),
    "default_procedure": Example(planned, {"default_procedure": "gentle"}),
    "customers.match.groups": Example(planned, rule({"groups": ["Público"]}), rule({"groups": ["Otros"]})),
    "customers.match.countries": Example(planned, rule({"countries": ["ES"]}), rule({"countries": ["MX"]})),
    "customers.match.names": Example(planned, rule({"names": ["Talleres *"]}), rule({"names": ["Talleres"]})),
    "customers.match.ids": Example(planned, rule({"ids": ["norte"]}), rule({"ids": ["sur"]})),
    "customers.match.min_amount.*": Example(planned, rule({"min_amount": {"EUR": 300}}), rule({"min_amount": {"EUR": 5000}})),
    "customers.match.max_amount.*": Example(planned, rule({"max_amount": {"EUR": 100}}), rule({"max_amount": {"EUR": 1}})),
    "customers.procedure": Example(planned, rule({"ids": ["norte"]}), rule({"ids": ["norte"]}, procedure="standard")),
    "customers.exclude.reason": Example(
        planned, rule({"ids": ["norte"]}, exclude={"reason": "a pact"}), rule({"ids": ["norte"]}, exclude={"reason": "a wish"})
    ),
    "customers.exclude.until": Example(
        planned,
        rule({"ids": ["norte"]}, exclude={"reason": "a pact", "until": "2026-04-20"}),
        rule({"ids": ["norte"]}, exclude={"reason": "a pact"}),
    ),
    "tolerance.*": Example(planned, {"tolerance": {"EUR": 100}}),
    "recipients": Example(planned, {"recipients": ["escalation", "general"]}),
    "grouping": Example(planned, {"grouping": "invoice"}),
    "templates": Example(rendered, {"templates": "plantillas"}),
    "late_charges.rules.key": on_rule(FEE, key="b"),
    "late_charges.rules.kind": Example(charged, charges(RECOVERY), charges(STATUTE)),
    "late_charges.rules.annual_percent": on_rule(AGREED, annual_percent=9),
    "late_charges.rules.monthly_percent": Example(
        charged, charges({"key": "a", "kind": "contract_interest", "monthly_percent": 1}), charges(AGREED)
    ),
    "late_charges.rules.percent": on_rule(SHARE, percent=3),
    "late_charges.rules.base": on_rule(SHARE, base="total"),
    "late_charges.rules.amount.*": on_rule(FEE, amount={"EUR": 12}),
    "late_charges.rules.every": on_rule(FEE, every=30),
    "late_charges.rules.law": on_rule(STATUTE, law="FR"),
    "late_charges.rules.legal_limit_percent": Example(
        charged,
        charges({**AGREED, "law": "US-CA", "annual_percent": 8, "legal_limit_percent": 9}),
        charges({**AGREED, "law": "US-CA", "annual_percent": 8}),
    ),
    "late_charges.rules.day_basis": on_rule(AGREED, day_basis="actual_360"),
    "late_charges.rules.rounding": on_rule(AGREED, rounding="per_day"),
    "late_charges.rules.rate_over_time": on_rule(STATUTE, rate_over_time="frozen_at_start"),
    "late_charges.rules.of": Example(charged, best("x", "y", "z"), best("x", "y")),
    "late_charges.rules.from_days": on_rule(FEE, from_days=20),
    "late_charges.rules.customers": on_rule(AGREED, customers="all"),
    "late_charges.start": on_charges(AGREED, start="2025-08-01"),
    "late_charges.from_days": on_charges(FEE, from_days=20),
    "late_charges.minimum.*": on_charges(AGREED, minimum={"EUR": 20}),
    "late_charges.cap.*": on_charges(AGREED, cap={"EUR": 30}),
    "late_charges.cap_share": on_charges(AGREED, cap_share=0.02),
    "late_charges.exempt.match.groups": Example(charged, exempt({"groups": ["Público"]}), exempt({"groups": ["Otros"]})),
    "late_charges.exempt.match.countries": Example(charged, exempt({"countries": ["ES"]}), exempt({"countries": ["MX"]})),
    "late_charges.exempt.match.names": Example(charged, exempt({"names": ["Talleres *"]}), exempt({"names": ["Talleres"]})),
    "late_charges.exempt.match.ids": Example(charged, exempt({"ids": ["norte"]}), exempt({"ids": ["sur"]})),
    "late_charges.exempt.match.min_amount.*": Example(charged, exempt({"min_amount": {"EUR": 300}}), exempt({"min_amount": {"EUR": 9000}})),
    "late_charges.exempt.match.max_amount.*": Example(charged, exempt({"max_amount": {"EUR": 100}}), exempt({"max_amount": {"EUR": 1}})),
    "late_charges.exempt.reason": Example(charged, exempt({"ids": ["norte"]}), exempt({"ids": ["norte"]}, "a wish")),
    "late_charges.announce": on_charges({**FEE, "key": "c"}, announce=False),
    "late_charges.announce_days": on_charges(FEE, announce_days=21),
    "late_charges.approval": on_charges(FEE, approval=False),
    "late_charges.placement": on_charges(FEE, placement="line"),
    "late_charges.after_payment": on_charges(AGREED, after_payment="waive"),
    "late_charges.write_off_below.*": on_charges(AGREED, write_off_below={"EUR": 50}),
    "late_charges.tax.statutory_interest": on_charges(STATUTE, tax={"statutory_interest": "follows_supply"}),
    "late_charges.tax.contract_interest": on_charges(AGREED, tax={"contract_interest": "follows_supply"}),
    "late_charges.tax.compensation": on_charges(RECOVERY, tax={"compensation": "follows_supply"}),
    "late_charges.tax.late_fee": on_charges(FEE, tax={"late_fee": "follows_supply"}),
    "early_payment_discount.from_ledger": offering(from_ledger=False),
    "early_payment_discount.percent": offering(percent=1),
    "early_payment_discount.days": offering(days=12),
    "early_payment_discount.match.groups": offering_to({"groups": ["Público"]}, {"groups": ["Otros"]}),
    "early_payment_discount.match.countries": offering_to({"countries": ["ES"]}, {"countries": ["MX"]}),
    "early_payment_discount.match.names": offering_to({"names": ["Talleres *"]}, {"names": ["Talleres"]}),
    "early_payment_discount.match.ids": offering_to({"ids": ["norte"]}, {"ids": ["sur"]}),
    "early_payment_discount.match.min_amount.*": offering_to({"min_amount": {"EUR": 300}}, {"min_amount": {"EUR": 9000}}),
    "early_payment_discount.match.max_amount.*": offering_to({"max_amount": {"EUR": 100}}, {"max_amount": {"EUR": 1}}),
    "early_payment_discount.grace_days": offering(grace_days=4),
    "promises.grace_days": Example(planned, {"promises__grace_days": 9}),
    "guard.max_share_of_customers": Example(
        guarded, {"guard": {"max_share_of_customers": 0.5, "share_from_customers": 2}}, {"guard": {"share_from_customers": 2}}
    ),
    "guard.share_from_customers": Example(guarded, {"guard": {"share_from_customers": 2}}),
    "guard.max_days_without_payment": Example(guarded, {"guard": {"max_days_without_payment": 7}}),
    "guard.max_total.*": Example(guarded, {"guard": {"max_total": {"EUR": 400}}}),
}

DIGEST = "tests/hosting/test_digest.py::"
TIMES = "tests/hosting/test_timetable.py::"
PROVED_ELSEWHERE = {
    "late_charges.payment_days": "tests/core/dunning/test_charge_limits.py::test_a_charge_document_is_due_so_many_days_after_its_date",
    "schedule.sync_every_minutes": TIMES + "test_a_new_company_is_read_at_once_and_runs_at_its_next_slot",
    "schedule.run_at": TIMES + "test_a_machine_that_slept_makes_up_once_and_not_for_yesterday",
    "schedule.complete.day": TIMES + "test_a_complete_reading_comes_first_and_once_a_week",
    "schedule.complete.at": TIMES + "test_a_complete_reading_comes_first_and_once_a_week",
    "digest.to": DIGEST + "test_day_hour_and_zone_are_the_policys",
    "digest.every": DIGEST + "test_day_hour_and_zone_are_the_policys",
    "digest.day": DIGEST + "test_day_hour_and_zone_are_the_policys",
    "digest.at": DIGEST + "test_day_hour_and_zone_are_the_policys",
    "schedule.automatic": TIMES + "test_a_policy_may_leave_runs_to_a_person",
    "payment_links.secret_key": LINKS + "test_a_key_that_stripe_does_not_accept_halts_the_run_before_anything_is_sent",
    "payment_links.webhook_secret": "tests/worker/test_payments_told.py::"
    "test_a_payment_that_stripe_tells_of_is_recorded_once_by_the_next_run_and_never_chased",
    "payment_links.valid_days": LINKS + "test_a_link_ends_when_no_notice_had_it_for_its_days",
    "ledger": "tests/core/policy/test_policy_read.py::test_the_ledgers_settings_are_its_own_model_with_its_secrets",
    "mail.smtp.username": SMTP + "test_a_refused_login_names_the_settings_and_never_the_password",
    "mail.smtp.password": SMTP + "test_a_refused_login_names_the_settings_and_never_the_password",
}


def leaf_keys(schema: Mapping[str, Any], definitions: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every key that a policy file may hold, by dotted path; `*` stands for a name of the company's own."""
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], **{key: value for key, value in schema.items() if key != "$ref"}}
    below = [inner for inner in schema.get("anyOf", []) if inner.get("type") != "null"]
    sections = [inner for inner in below if "$ref" in inner or "properties" in inner]
    own = [*schema.get("patternProperties", {}).values()] or [schema.get("additionalProperties")]
    if len(below) == 1 or len(sections) == 1:
        yield from leaf_keys((sections or below)[0], definitions, path)
    elif "properties" in schema:
        for key, inner in schema["properties"].items():
            yield from leaf_keys(inner, definitions, (*path, key))
    elif isinstance(own[0], dict):
        yield from leaf_keys(own[0], definitions, (*path, "*"))
    elif schema.get("type") == "array" and "items" in schema:
        yield from leaf_keys(schema["items"], definitions, path)
    else:
        yield ".".join(path)


def test_every_key_has_an_example() -> None:
    schema = policy_json_schema({})
    keys = list(leaf_keys(schema, schema["$defs"]))
    assert len(keys) == len(set(keys)) > 60
    assert set(keys) == EXAMPLES.keys() | PROVED_ELSEWHERE.keys()
    assert not EXAMPLES.keys() & PROVED_ELSEWHERE.keys()


@pytest.mark.parametrize("key", EXAMPLES)
def test_a_key_changes_what_comes_about(key: str) -> None:
    example = EXAMPLES[key]
    before, after = policy(**example.before), policy(**{**example.before, **example.after})
    assert example.effect(before) != example.effect(after)
    assert explain(before) != explain(after), "the explanation does not tell"


@pytest.mark.parametrize("key", PROVED_ELSEWHERE)
def test_the_test_that_proves_a_key_exists(key: str) -> None:
    path, _, name = PROVED_ELSEWHERE[key].partition("::")
    assert name in {node.name for node in tree_of(ROOT / path).body if isinstance(node, ast.FunctionDef)}
