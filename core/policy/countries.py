"""Country packs: from the data files in countries/ to frozen values. A new rate is one line in one of these files.

All numbers are read as text and made exact decimals; nothing is guessed. `docs/country-packs.md` says what a file may hold.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import yaml
from pydantic import ValidationError

from ..errors import PolicyProblem
from .country_pack import CountryPack
from .statutory import ReferenceSeries, StatutoryInterest

_ALIASES = {"UK": "GB", "EL": "GR"}
_FOLDER = "countries"
_SERIES = "reference-rates.yaml"
EUROPE = "EU"


@cache
def country_codes() -> tuple[str, ...]:
    """The countries that have a pack of their own, by ISO 3166-1 code, and EU for the default."""
    names = (entry.name for entry in files(__package__).joinpath(_FOLDER).iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml") and name != _SERIES))


@cache
def country_pack(code: str) -> CountryPack:
    """The pack of a country by its ISO 3166-1 code (UK is taken for GB); countries of the euro without one of their own get the EU default.

    Raises PolicyProblem when there is none, or when a data file is wrong, with the file and the place.
    """
    known = _ALIASES.get(code.upper(), code.upper())
    if known in country_codes():
        return read_pack(_text(f"{known}.yaml"), f"{known}.yaml", _series())
    default = country_pack(EUROPE) if known != EUROPE else None
    if default is not None and known in default.stands_for:
        return default.model_copy(update={"country": known, "standing_for": known})
    raise PolicyProblem(
        f"There is no country pack for {code!r}",
        hint=f"Charge agreed interest or a fee with your own numbers, or use one of {', '.join(country_codes())}",
    )


def _text(name: str) -> str:
    return files(__package__).joinpath(_FOLDER, name).read_text(encoding="utf-8")


@cache
def _series() -> Mapping[str, ReferenceSeries]:
    return read_series(_text(_SERIES), _SERIES)


def read_series(text: str, filename: str) -> Mapping[str, ReferenceSeries]:
    """The reference series in the YAML text by their names. Raises PolicyProblem with what is wrong."""
    raw = _with_sources(_mapping(text, filename), filename)
    found: dict[str, ReferenceSeries] = {}
    for name, rows in raw.items():
        found[name] = _valid(ReferenceSeries, rows, f"{filename}: {name}")
        days = [row.from_on for row in found[name].rates]
        _rising(days, f"{filename}: {name}")
        if any((day.month, day.day) not in ((1, 1), (7, 1)) for day in days) or len(days) != _halves(days[0], days[-1]):
            raise _wrong(f"{filename}: {name}", "needs one rate for every half-year, from 1 January and from 1 July")
    return found


def _halves(first: date, last: date) -> int:
    return (last.year - first.year) * 2 + (last.month > 6) - (first.month > 6) + 1


def read_pack(text: str, filename: str, series: Mapping[str, ReferenceSeries]) -> CountryPack:
    """The pack in the YAML text. Raises PolicyProblem with the file and what is wrong in it."""
    raw = _with_sources(_mapping(text, filename), filename)
    pack: CountryPack = _valid(CountryPack, {**raw, "series": series}, filename)
    if f"{pack.country}.yaml" != filename:
        raise _wrong(filename, f"is the pack of {pack.country}", f"call it {pack.country}.yaml")
    for where, interest, reason in (
        ("business", pack.business, pack.no_business_interest),
        ("consumer", pack.consumer, pack.no_consumer_interest),
    ):
        _check_interest(interest, reason, series, f"{filename}: {where}")
    for rule in pack.compensation:
        open_ended = [tier for tier in rule.tiers if tier.below is None and tier.up_to is None]
        if (rule.percent_of_debt is None) == (not rule.tiers) or (rule.tiers and open_ended != [rule.tiers[-1]]):
            raise _wrong(f"{filename}: compensation", "needs either a percentage or tiers, of which the last one has no end")
    _rising([rule.from_on for rule in pack.compensation], f"{filename}: compensation")
    _rising([floor.from_on for floor in pack.floors], f"{filename}: floors")
    return pack


def _check_interest(interest: StatutoryInterest | None, reason: str, series: Collection[str], where: str) -> None:
    if interest is None:
        if not reason:
            raise _wrong(where, "is missing", "give the rates, or say in a sentence why there are none")
        return
    if bool(interest.reference) != bool(interest.margins) or not (interest.reference or interest.published):
        raise _wrong(where, "needs a reference with margins, or published rates")
    if interest.reference and interest.reference not in series:
        raise _wrong(where, f"`{interest.reference}` is no reference series", f"one of {', '.join(series)}")
    for rows in (interest.margins, interest.published):
        _rising([row.from_on for row in rows], where)


def _rising(days: list[date], where: str) -> None:
    for earlier, later in pairwise(days):
        if later <= earlier:
            raise _wrong(where, f"{later} stands after {earlier}", "rows go by rising days, one for a day")


# From the text to plain values


class _Loader(yaml.BaseLoader):
    """Every scalar stays text; a key that stands twice is an error, not a silent choice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The mapping. Raises yaml.YAMLError when a key stands twice."""
        keys = [key.value for key, _ in node.value]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"`{twice[0]}` stands twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _mapping(text: str, filename: str) -> dict[str, Any]:
    try:
        value = yaml.load(text, Loader=_Loader)  # noqa: S506 - a BaseLoader makes no objects
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise _wrong(f"{filename}{line}", error.problem or "cannot be read as YAML") from None
    if not isinstance(value, dict):
        raise _wrong(filename, "must hold keys with values")
    return value


def _with_sources(raw: dict[str, Any], filename: str) -> dict[str, Any]:
    """Each `source` names an entry of the file's `sources`, which holds what to look up, and where."""
    sources = raw.pop("sources", {})
    used: set[str] = set()

    def resolved(value: Any) -> Any:
        if isinstance(value, list):
            return [resolved(one) for one in value]
        if not isinstance(value, dict):
            return value
        copy = {key: resolved(inner) for key, inner in value.items()}
        if "source" in copy:
            if copy["source"] not in sources:
                raise _wrong(filename, f"`{copy['source']}` is not among the sources of the file")
            used.add(copy["source"])
            copy["source"] = sources[copy["source"]]
        return copy

    found: dict[str, Any] = resolved(raw)
    if idle := sorted(set(sources) - used):
        raise _wrong(filename, f"nothing cites the source `{idle[0]}`")
    return found


def _valid(model: Any, raw: object, where: str) -> Any:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise _wrong(f"{where}: {_dotted(first['loc'])}", first["msg"].lower()) from None


def _dotted(path: Iterable[object]) -> str:
    return ".".join(map(str, path))


def _wrong(where: str, what: str, hint: str = "") -> PolicyProblem:
    return PolicyProblem(f"core/policy/{_FOLDER}/{where}: {what}", hint=hint)


__all__ = ["EUROPE", "country_codes", "country_pack", "read_pack", "read_series"]
