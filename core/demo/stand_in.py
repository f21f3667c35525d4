"""A stand-in of a ledger, started in this process for the time of the demo, and what has to be kept of it until the next time.

A connector offers its stand-in with `demo:` in plugin.yaml; nothing here knows which ledger it is.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import requests

from ..access import Consent
from ..errors import AuthorizationExpired, BrokenInvariant, CompanyMustAct, LedgerUnavailable, PuntualError
from ..history.sealing import Keyring, KeysMissing, keyring_of, new_key
from ..worker.clock import Clock, SystemClock, noon_of
from ..worker.redirect import answer_typed
from ..worker.wiring import manifest
from .books import COMPANY, Rows, sample_rows

_PATIENCE_SECONDS = 10
_FOUNDED_AT = datetime(2000, 1, 1, tzinfo=UTC)
_MEMORY = "stand-in.json"
_OUT_OF_REACH = (LedgerUnavailable, KeysMissing, AuthorizationExpired)


class DemoLedger(Protocol):
    """What `demo:` in plugin.yaml names: a class whose only argument is `now` (aware UTC), with empty books that are served on loopback.

    It shares no line with the core, so all it takes and gives is plain data. The same rows must give the same ids in every process.
    """

    @property
    def url(self) -> str:
        """Where it listens."""

    def settings(self) -> Mapping[str, Any]:
        """The settings of the policy's `ledger` section, without `type` and without secrets."""

    def secrets(self) -> Mapping[str, str]:
        """The settings that a policy only refers to, with their values."""

    def seed(self, rows: Rows) -> Sequence[str]:
        """Enter the documents. Returns the numbers of disputed invoices for whose dispute these books have no place."""

    def written(self) -> Sequence[Mapping[str, Any]]:
        """What came over the wire into the books (notes, tasks, expected dates), as data that JSON holds."""

    def write_again(self, written: Sequence[Mapping[str, Any]]) -> None:
        """Put back into freshly seeded books what `written` gave in an earlier process."""

    def left_in_the_books(self, number: str) -> Sequence[str]:
        """What now stands on an invoice besides its amounts, a line each, read from the books themselves."""

    def close(self) -> None:
        """Stop listening."""


class MovingClock:
    """A second later each time it is asked, because services count calls by the second and by the minute; it never goes back."""

    def __init__(self, at: datetime) -> None:
        self._at = at
        self._beside: Clock = self

    def go_on_from(self, at: datetime) -> None:
        """It is this instant now, unless it is later already."""
        self._at = max(self._at, at)

    def go_with(self, clock: Clock) -> None:
        """From now on it is at least as late as on that clock."""
        self._beside = clock

    def now(self) -> datetime:
        """The instant, aware, in UTC."""
        if self._beside is not self:
            self.go_on_from(self._beside.now())
        self._at += timedelta(seconds=1)
        return self._at.astimezone(UTC)


def where_it_went(trouble: PuntualError, state: Path) -> str:
    """What a person should know whose books cannot be reached, when they were those of a stand-in; empty when they were not.

    `state` is the company's state folder.
    """
    memory = state / _MEMORY
    if not isinstance(trouble, _OUT_OF_REACH) or not memory.is_file():
        return ""
    ledger = json.loads(memory.read_text(encoding="utf-8")).get("ledger", "…")
    serve = f"puntual demo --ledger {ledger} --serve --dir {state.parent.parent}"
    what = f"{state.name} is a sample company, and its books are there only while its stand-in runs."
    return f"{what} Start it: {serve}; it says what to do then."


def ledgers_with_stand_in() -> tuple[str, ...]:
    """The ids of the connectors that offer one."""
    return tuple(entry["id"] for entry in manifest()["connectors"] if "demo" in entry)


class StandIn:
    """The stand-in of one ledger at work for one sample company, and its memory in the company's state folder."""

    def __init__(self, ledger: str, state: Path) -> None:
        """Starts it, with empty books. Raises CompanyMustAct when what it needs is not installed."""
        entry = next(entry for entry in manifest()["connectors"] if entry["id"] == ledger)
        self.ledger = ledger
        self.ledger_name: str = entry["name"]
        self.clock = MovingClock(_FOUNDED_AT)
        self._state = state
        self._books = _class_named(entry["demo"], self.ledger_name)(self.clock.now)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._books.url

    def remembered_day(self) -> date | None:
        """The day from which the days in the books were counted by the first demo here, None when this is the first."""
        return date.fromisoformat(self._memory()["as_of"]) if self._memory_file.exists() else None

    def enter_books(self, as_of: date, entered_on: date) -> Sequence[str]:
        """Enter the sample documents on that day, and what earlier demos wrote. Returns the invoices whose dispute had no place."""
        self.go_to(entered_on)
        unmarked = self._books.seed(sample_rows(as_of))
        if self._memory_file.exists():
            self._books.write_again(self._memory()["written"])
            self.clock.go_on_from(datetime.fromisoformat(self._memory()["until"]))
        else:
            self._remember(as_of)
        return unmarked

    def go_to(self, day: date) -> None:
        """It is noon of that day, unless it is later already."""
        self.clock.go_on_from(noon_of(day, COMPANY["time_zone"]))

    def go_on(self) -> None:
        """From now on its time is that of the machine, as that of whoever comes to it."""
        self.clock.go_with(SystemClock())

    def keys(self) -> Keyring:
        """The keys that seal the tokens of this demo and of nothing else; made by the first demo here."""
        if not self.key_file.exists():
            _write_private(self.key_file, new_key().reveal())
        return keyring_of(self.key_file.read_text(encoding="utf-8"))

    @property
    def key_file(self) -> Path:
        """Where the key is."""
        return self._state / "sealing-key.secret"

    def consent_given(self, consent: Consent) -> Mapping[str, str]:
        """What a person does in a browser: open the page of the question, say yes, and come back with the answer.

        The page is the stand-in's own; no other address is ever opened. Raises BrokenInvariant when the question leads elsewhere.
        """
        if not consent.url.startswith(f"{self.url}/"):
            raise BrokenInvariant("The demo was about to ask for consent elsewhere than at the stand-in.")
        with requests.Session() as browser:
            browser.trust_env = False
            answer = browser.get(consent.url, allow_redirects=False, timeout=_PATIENCE_SECONDS)
        return answer_typed(answer.headers.get("Location", ""))

    def placed_in(self, policy: str) -> str:
        """The text of a policy, with this ledger in place of the one it had. The secrets are put into files beside the memory."""
        values = {**self._books.settings(), **{name: self._reference(name, value) for name, value in self._books.secrets().items()}}
        lines = [
            f"ledger:  # a stand-in, there only while `puntual demo --ledger {self.ledger}` runs (--serve: until Ctrl-C)",
            f"  type: {self.ledger}",
        ]
        lines += [f"  {name}: {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
        section = "\n".join(lines) + "\n\n"
        return re.sub(r"(?ms)^ledger:.*?(?=^\S)", lambda _: section, policy, count=1)

    def left_in_the_books(self, number: str) -> Sequence[str]:
        """What now stands on an invoice, a line each."""
        return self._books.left_in_the_books(number)

    def close(self) -> None:
        """Keep what was written, and stop."""
        try:
            if day := self.remembered_day():
                self._remember(day)
        finally:
            self._books.close()

    def _reference(self, name: str, value: str) -> str:
        path = self._state / f"{name}.secret"
        _write_private(path, value)
        return f"${{file:{path.resolve()}}}"

    @property
    def _memory_file(self) -> Path:
        return self._state / _MEMORY

    def _memory(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self._memory_file.read_text(encoding="utf-8")))

    def _remember(self, as_of: date) -> None:
        memory = {
            "ledger": self.ledger,
            "as_of": as_of.isoformat(),
            "until": self.clock.now().isoformat(),
            "written": list(self._books.written()),
        }
        self._state.mkdir(parents=True, exist_ok=True)
        self._memory_file.write_text(json.dumps(memory, ensure_ascii=False, indent=1), encoding="utf-8")


def _write_private(path: Path, secret: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(secret, encoding="utf-8")


def _class_named(dotted: str, ledger_name: str) -> Callable[[Callable[[], datetime]], DemoLedger]:
    module, _, attribute = dotted.partition(":")
    try:
        return cast("Callable[[Callable[[], datetime]], DemoLedger]", getattr(import_module(module), attribute))
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "puntual":
            raise
        raise CompanyMustAct(
            f"The stand-in for {ledger_name} needs the package {missing.name}, which is not installed",
            hint="Install it with: pip install 'puntual[stubs]' (in a copy of the sources: pip install '.[stubs]')",
        ) from None
