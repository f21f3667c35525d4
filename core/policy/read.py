"""YAML text → Policy, or all problems at once, each with its line and column. Also any other file of settings, by its model."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from .assemble import LedgerKind, Secrets, assembled, modelled
from .document import Unreadable, document_of
from .problems import Finding, Place, PolicyFileProblems, Problem, dotted
from .schema import Policy
from .words import REFERENCE_HINT

MAX_PROBLEMS = 100

M = TypeVar("M", bound=BaseModel)


def read_policy(
    text: str | bytes,
    filename: str,
    *,
    ledgers: Mapping[str, LedgerKind],
    secrets: Secrets,
    languages: Collection[str] = ("en", "es"),
) -> Policy:
    """The policy in the YAML `text`; `filename` is for the messages only. `ledgers` are the connectors by id, `languages` those with texts.

    Raises PolicyFileProblems with everything that is wrong, in the order of the file. No message holds a secret.
    """
    return _read(text, filename, lambda value: assembled(value, ledgers, secrets, languages))


def read_settings(model: type[M], text: str | bytes, filename: str, secrets: Secrets) -> M:
    """A file of settings as its model reads it. Raises PolicyFileProblems as read_policy does."""
    return _read(text, filename, lambda value: modelled(model, value, secrets))


def _read(text: str | bytes, filename: str, make: Callable[[dict[str, Any]], tuple[M | None, list[Finding]]]) -> M:
    try:
        document = document_of(text)
    except Unreadable as error:
        raise PolicyFileProblems((Problem(filename, *error.place, "", error.message, error.hint),)) from None
    made, found = make(document.value)
    faults = [*document.faults, *((document.place(one), one) for one in found)]
    if made is None or faults:
        raise PolicyFileProblems(_problems(faults, filename))
    return made


def located(found: Iterable[Finding], text: str | bytes, filename: str) -> tuple[Problem, ...]:
    """Findings about a policy that was read from this text (of `warnings`, `missing_payment_details`), each with its line and column."""
    document = document_of(text)
    return _problems([(document.place(one), one) for one in found], filename)


def _problems(faults: list[tuple[Place, Finding]], filename: str) -> tuple[Problem, ...]:
    """In the order of the file. A secret that was written out may stand in a key below its own: nothing is said of what is below."""
    secret = {one.path for _, one in faults if one.hint == REFERENCE_HINT}
    told = [(at, one) for at, one in faults if not any(one.path[:length] in secret for length in range(len(one.path)))]
    once: dict[tuple[Place, str], Problem] = {}
    for at, one in told:
        once.setdefault((at, one.message), Problem(filename, *at, dotted(one.path), one.message, one.hint))
    return tuple(sorted(once.values(), key=lambda problem: (problem.line, problem.column))[:MAX_PROBLEMS])


__all__ = ["LedgerKind", "PolicyFileProblems", "Problem", "Secrets", "located", "read_policy", "read_settings"]
