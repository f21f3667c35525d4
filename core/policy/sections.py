"""The sound parts of a policy that may be broken elsewhere, so that checks over several values run beside all others."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter

from .problems import Path
from .words import keys_of


@cache
def _adapter(model: type[BaseModel], key: str) -> TypeAdapter[Any]:
    field = keys_of(model)[key]
    kind: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
    is_section = isinstance(kind, type) and issubclass(kind, BaseModel)
    return TypeAdapter(kind, config=None if is_section else {"arbitrary_types_allowed": True})


class Damage:
    """The paths at which the schema already found something."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._at = frozenset(paths)
        self._below = frozenset(path[:length] for path in self._at for length in range(len(path)))

    def touches(self, path: Path) -> bool:
        """Whether the value at the path, a part of it, or something that holds it is broken."""
        return path in self._below or any(path[:length] in self._at for length in range(len(path) + 1))


class Section:
    """One section of the file as its model reads it."""

    def __init__(self, model: type[BaseModel], raw: object, path: Path, broken: Damage) -> None:
        self.path = path
        self.present = isinstance(raw, Mapping)
        self._model = model
        self._raw: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
        self._broken = broken

    def given(self, key: str) -> bool:
        """Whether the file says something for this key, sound or not."""
        return self._raw.get(key) not in (None, "")

    def sound(self, key: str) -> Any:
        """The value of the key or its default; None when it is broken, missing without a default, or nothing."""
        here = (*self.path, key)
        if self._broken.touches(here):
            return None
        if key not in self._raw:
            field = keys_of(self._model)[key]
            return None if field.is_required() else field.get_default(call_default_factory=True)
        return _adapter(self._model, key).validate_python(self._raw[key])

    def section(self, key: str, model: type[BaseModel]) -> "Section":
        """The section below this key; empty when there is none."""
        return Section(model, self._raw.get(key), (*self.path, key), self._broken)

    def entries(self, key: str, model: type[BaseModel]) -> Iterator["Section"]:
        """The sections in the list below this key."""
        listed = self._raw.get(key)
        for position, raw in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(raw, Mapping):
                yield Section(model, raw, (*self.path, key, position), self._broken)

    def named(self, key: str, model: type[BaseModel]) -> Iterator["Section"]:
        """The sections that have names of their own below this key."""
        below = self._raw.get(key)
        for name, raw in below.items() if isinstance(below, Mapping) else ():
            if isinstance(raw, Mapping):
                yield Section(model, raw, (*self.path, key, name), self._broken)
