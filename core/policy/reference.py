"""The reference of the policy file for people, made from its JSON Schema, so that it cannot drift from what is accepted."""

from collections.abc import Iterator, Mapping
from typing import Any

_HEAD = """# The policy file, key by key

One YAML file a company, `companies/NAME.yaml`. It is strict: an unknown key, a wrong type or an impossible ladder is an error with its
line and column, and `puntual check` reports all of them at once. `puntual explain` says the whole policy in sentences. Secrets are given by
reference only: `${NAME}` for an environment variable, `${file:/path}` for a file. `puntual init COMPANY` writes one with comments.

This page is made from the schema (`puntual schema --as markdown`).
"""

Schema = Mapping[str, Any]


def policy_reference(schema: Schema) -> str:
    """The page, in Markdown."""
    lines = [_HEAD, "| key | what | default |", "|---|---|---|"]
    shown: set[str] = set()
    for path, node, default in _keys(schema, schema, ""):
        if (twin := _as_before(path, node, shown)) is None:
            continue
        lines.append(_row(path, {**node, "description": f"{node.get('description', '')}{twin}"}, default))
    return "\n".join(lines) + "\n"


_FILES = "ledger(files).files."


def _as_before(path: str, node: Schema, shown: set[str]) -> str | None:
    """The kinds of files have the same keys: they are listed once. None for a key that was listed for the kind before."""
    if not path.startswith(_FILES) or "." not in path.removeprefix(_FILES):
        return ""
    key = path.removeprefix(_FILES).partition(".")[2]
    if key in shown:
        return None
    shown.add(key)
    return " (the same for the other files)" if "properties" not in node else ""


def _keys(schema: Schema, node: Schema, above: str) -> Iterator[tuple[str, Schema, str]]:
    required = node.get("required", ())
    for name, given in node.get("properties", {}).items():
        known = _resolved(schema, given)
        yield f"{above}{name}", known, "**required**" if name in required else _default(given)
        yield from _below(schema, known, f"{above}{name}")


def _below(schema: Schema, node: Schema, path: str) -> Iterator[tuple[str, Schema, str]]:
    """The keys inside a section, a list of sections, named sections, or one of several ledgers."""
    if "items" in node:
        yield from _keys(schema, _resolved(schema, node["items"]), f"{path}[].")
    for inner in node.get("patternProperties", {}).values():
        yield from _keys(schema, _resolved(schema, inner), f"{path}.NAME.")
    if isinstance(node.get("additionalProperties"), Mapping):
        yield from _keys(schema, _resolved(schema, node["additionalProperties"]), f"{path}.NAME.")
    for kind in node.get("oneOf", ()):
        name = kind["properties"]["type"]["const"]
        yield from (row for row in _keys(schema, kind, f"{path}({name}).") if not row[0].endswith(".type"))
    yield from _keys(schema, node, f"{path}.")


def _resolved(schema: Schema, node: Schema) -> Schema:
    """The node itself in place of a reference; of an optional one the part that is not null, with the words said beside it."""
    words = {key: node[key] for key in ("description", "default") if key in node}
    if "$ref" in node:
        return {**_resolved(schema, schema["$defs"][node["$ref"].rpartition("/")[2]]), **words}
    options = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
    return {**_resolved(schema, options[0]), **words} if options else node


def _row(path: str, node: Schema, default: str) -> str:
    allowed = f" ({', '.join(map(str, node['enum']))})" if "enum" in node else ""
    return f"| `{path}` | {_cell(node.get('description', ''))}{allowed} | {default} |"


def _default(node: Schema) -> str:
    default = node.get("default")
    if default in (None, "", [], {}):
        return ""
    return (
        f"`{_cell(', '.join(map(str, default)) if isinstance(default, list) else str(default))}`"
        if not isinstance(default, Mapping)
        else ""
    )


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
