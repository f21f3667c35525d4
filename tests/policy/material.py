"""What the tests of the policy share: two ledgers, two secrets, and readers of the files in tests/policy."""

from pathlib import Path
from typing import Literal

from puntual.core.policy.assemble import LedgerKind
from puntual.core.policy.read import read_policy
from puntual.core.policy.schema import Policy
from puntual.core.port import Capability
from puntual.core.secret import Secret
from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parent
GOOD = sorted((FOLDER / "good").glob("*.yaml"))
BAD = sorted((FOLDER / "bad").glob("*.yaml"))
SECRETS = {"DEMO_API_KEY": "k3y-0f-demo", "SMTP_PASSWORD": "p4ss-of-smtp", "file:/run/secrets/smtp": "p4ss-in-file", "EMPTY": ""}


class DemoSettings(BaseModel):
    """A ledger with a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    url: str = Field(description="Address of the books")
    api_key: Secret
    page_size: int = Field(100, ge=1, le=500, description="Documents a page")


class ColumnSettings(BaseModel):
    """How one file is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str = ""
    columns: dict[str, str] = Field(default_factory=dict)


class PlainSettings(BaseModel):
    """A ledger that leaves unknown keys aside, which the reader does not."""

    folder: str
    decimal: Literal[",", "."] = "."
    invoices: ColumnSettings = ColumnSettings()


LEDGERS = {
    "demo": LedgerKind(DemoSettings, frozenset(Capability)),
    "plain": LedgerKind(PlainSettings, frozenset({Capability.NOTES})),
}


def read(text: str | bytes, filename: str = "acme.yaml") -> Policy:
    """The policy in the text, over the two ledgers and the known secrets."""
    return read_policy(text, filename, ledgers=LEDGERS, secrets=SECRETS.get)


def read_good(name: str) -> Policy:
    """One of the good files."""
    return read((FOLDER / "good" / f"{name}.yaml").read_bytes())
