"""The JSON Schema of the policy file, made from the models, so that editors complete and check it while it is written."""

import json
from collections.abc import Mapping
from datetime import time
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from ..secret import Secret
from .assemble import LedgerKind
from .schema import LedgerChoice, Policy

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = {"type": "string", "pattern": r"^\$\{[^}]+\}$", "description": "${NAME_OF_AN_ENVIRONMENT_VARIABLE} or ${file:/path}"}
_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


class _PolicySchema(GenerateJsonSchema):
    """Numbers are numbers, times are 08:30, and a secret is a reference to one."""

    def decimal_schema(self, schema: core_schema.DecimalSchema) -> JsonSchemaValue:
        """A number; limits of whole numbers stay whole."""
        given: Mapping[str, Any] = {**schema}
        return {"type": "number", **{word: int(given[key]) for key, word in _LIMITS.items() if key in given}}

    def time_schema(self, schema: core_schema.TimeSchema) -> JsonSchemaValue:
        """Hours and minutes, not RFC 3339, which wants seconds and a zone."""
        return {"type": "string", "pattern": "^([01]?[0-9]|2[0-3]):[0-5][0-9]$"}

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        """Keys of the form that is wanted and no others."""
        made = super().dict_schema(schema)
        return {**made, "additionalProperties": False} if "patternProperties" in made else made

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """A time as it is written; no default for an exact decimal, which JSON cannot hold."""
        made, default = super().default_schema(schema), schema.get("default")
        if isinstance(default, Decimal):
            made.pop("default", None)
        return {**made, "default": f"{default:%H:%M}"} if isinstance(default, time) else made

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        """A reference for a secret. The ledger's place is filled later."""
        if schema["cls"] is Secret:
            return dict(_REFERENCE)
        return {} if schema["cls"] is LedgerChoice else super().is_instance_schema(schema)


def policy_json_schema(ledgers: Mapping[str, LedgerKind]) -> dict[str, Any]:
    """The schema (draft 2020-12) of a policy file whose `ledger` is one of these, each with its own settings."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(kind.settings, "validation") for kind in ledgers.values()]
    references, together = models_json_schema([(Policy, "validation"), *models], schema_generator=_PolicySchema)
    definitions = together["$defs"]
    schema: dict[str, Any] = _taken(definitions, references[Policy, "validation"])
    settings = {name: definitions[_name(references[kind.settings, "validation"])] for name, kind in ledgers.items()}
    schema["properties"]["ledger"] = _ledger({name: _with_type(name, settings[name]) for name in sorted(settings)})
    own = {_name(references[model]) for model in references}
    used = {name: made for name, made in definitions.items() if name not in own | {"LedgerChoice", "BaseModel"}}
    return {"$schema": _DIALECT, **schema, "title": "Puntual policy", "$defs": used}


def _ledger(kinds: Mapping[str, Any]) -> dict[str, Any]:
    """One of the ledgers; without any known, whatever names a type."""
    words = {"description": Policy.model_fields["ledger"].description, "type": "object", "required": ["type"]}
    return {**words, "oneOf": list(kinds.values())} if kinds else words


def schema_text(ledgers: Mapping[str, LedgerKind]) -> str:
    """What the file policy.schema.json holds."""
    return json.dumps(policy_json_schema(ledgers), indent=2, ensure_ascii=False) + "\n"


def _name(reference: JsonSchemaValue) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _taken(definitions: dict[str, Any], reference: JsonSchemaValue) -> dict[str, Any]:
    return dict(definitions.pop(_name(reference)))


def _with_type(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of one ledger, flat beside the `type` that chooses it."""
    return {
        **settings,
        "title": name,
        "properties": {**settings.get("properties", {}), "type": {"const": name}},
        "required": ["type", *(key for key in settings.get("required", []) if key != "type")],
        "additionalProperties": settings.get("additionalProperties", False),
    }
