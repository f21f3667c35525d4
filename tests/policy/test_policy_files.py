"""The good files read, and the bad ones give exactly the problems that stand beside them."""

import pytest
from policy.material import BAD, GOOD, SECRETS, read
from puntual.core.errors import PolicyProblem
from puntual.core.policy.lint import missing_payment_details, warnings
from puntual.core.policy.read import PolicyFileProblems, located


def named(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


@named(GOOD)
def test_a_good_file_reads_the_same_each_time(path):
    assert read(path.read_bytes()) == read(path.read_text(encoding="utf-8"))


@named(BAD)
def test_a_bad_file_gives_all_its_problems_at_their_places(path):
    with pytest.raises(PolicyFileProblems) as caught:
        read(path.read_bytes(), path.name)
    assert str(caught.value).splitlines() == path.with_suffix(".expected").read_text(encoding="utf-8").splitlines()


@named(BAD)
def test_every_problem_is_inside_the_file_and_in_its_order(path):
    lines = path.read_bytes().splitlines()
    with pytest.raises(PolicyProblem) as caught:
        read(path.read_bytes(), path.name)
    places = [(problem.line, problem.column) for problem in caught.value.problems]
    assert places == sorted(places)
    assert all(1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1 for line, column in places)


def test_there_are_many_bad_files_and_each_has_its_expectation():
    assert len(BAD) >= 60
    assert {path.stem for path in BAD} == {path.stem for path in BAD[0].parent.glob("*.expected")}


@named(BAD)
def test_no_known_secret_is_in_any_message(path):
    with pytest.raises(PolicyFileProblems) as caught:
        read(path.read_bytes(), path.name)
    said = f"{caught.value} {caught.value!r} {caught.value.problems!r}"
    assert not [secret for secret in (*filter(None, SECRETS.values()), "hunter2", "k3y-in-clear", "20191231") if secret in said]


def test_a_finding_made_later_is_placed_in_the_text():
    text = next(path for path in GOOD if path.stem == "full_es").read_text(encoding="utf-8")
    policy = read(text)
    found = [*missing_payment_details(policy.model_copy(update={"payment_links": ()}), ["EUR", "GBP"]), *warnings(policy)]
    payment, ladder, *_ = located(found, text, "acme.yaml")
    assert str(payment) == "acme.yaml:38:1: the books have open items in GBP, but there is no way to pay in GBP (add `GBP:` with `iban`)"
    assert (ladder.line, ladder.column, ladder.message) == (51, 31, "level `friendly` (day 1) will wait until 5 days after `today` (day 0)")
