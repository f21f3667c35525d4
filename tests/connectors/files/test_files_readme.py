"""The connector's README names every field with its columns and every setting, and its examples are read."""

import re
from pathlib import Path

import puntual.connectors.files as package
import yaml
from files.exports import Books
from puntual.connectors.files.settings import FilesSettings, InvoicesSettings
from puntual.connectors.files.words import FIELDS, known_names

README = (Path(package.__file__).parent / "README.md").read_text(encoding="utf-8")


def table_of_fields() -> str:
    lines = []
    for kind, fields in FIELDS.items():
        lines += [f"### {kind.replace('_', ' ').capitalize()}", "", "| field | known as |", "|---|---|"]
        lines += [f"| `{field}` | {', '.join(name for name in known_names(kind, field))} |" for field in fields]
        lines.append("")
    return "\n".join(lines)


def test_every_field_is_listed_with_its_columns() -> None:
    written = README.partition("<!-- fields -->\n")[2].partition("<!-- /fields -->")[0]
    assert written.strip() == table_of_fields().strip()


def test_every_setting_is_explained() -> None:
    for model in (FilesSettings, InvoicesSettings):
        assert [name for name in model.model_fields if f"`{name}`" not in README and f"`{name}." not in README and name != "files"] == []


def test_the_examples_are_read(tmp_path: Path) -> None:
    examples = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(ledger:.*?)```", README, re.DOTALL)]
    settings = [FilesSettings.model_validate({key: value for key, value in one["ledger"].items() if key != "type"}) for one in examples]
    assert [one.currency for one in settings] == ["EUR", "USD"]
    (csv,) = re.findall(r"```csv\n(.*?)```", README, re.DOTALL)
    assert Books(tmp_path).write("invoices.csv", csv).read().owed == {"F-101": "1234.56 EUR", "F-102": "120.50 EUR"}
