"""Scenarios as files: reading TOML, overriding single values, and one clear line for whatever is wrong."""

from __future__ import annotations

import copy
import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Final

import tomli_w
from pydantic import BaseModel, ValidationError

from experiments.audience.scenario import AudienceScenario
from experiments.base_scenario import BaseScenario
from experiments.faces.scenario import FaceScenario
from experiments.market.scenario import MarketScenario
from experiments.scenario import Scenario
from experiments.store.scenario import StoreScenario
from retail.errors import ConfigError
from retail.toml_text import parsed

_KINDS: Final = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text in quotes",
    "bool_type": "must be true or false",
    "date_type": "must be a date",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "is not well formed",
    "finite_number": "must be a finite number",
}
_BARE_POINT: Final = re.compile(r"[+-]?\.\d+(?:[eE][+-]?\d+)?")
_COMMA: Final = re.compile(r"[+-]?\d*\.?\d+(?:,[+-]?\d*\.?\d+)+")
"""Of values that TOML does not take: a number that begins with its point, and numbers with commas between them."""
_FLAT_TABLES: Final = ("sweep", "targets")
_MODELS: Final[dict[str, type[BaseScenario]]] = {
    model.kind: model for model in (Scenario, StoreScenario, FaceScenario, MarketScenario, AudienceScenario)
}


def bundled_scenarios() -> tuple[str, ...]:
    """Return the names of the scenarios that come with Tradefair, sorted."""
    folder = resources.files("experiments") / "scenarios"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_scenario(source: str | Path, overrides: Sequence[str] = ()) -> BaseScenario:
    """Read a scenario of any kind; one that names no `kind` is about recommendations.

    Args:
        source: a TOML file, or the name of a bundled scenario such as `demo`. A file wins over a name.
        overrides: `dotted.key=value` texts, the value in TOML (text may go without quotes, .1 without its 0). Arms are
            addressed by name: `arms.federated.epsilon=2`.

    Raises:
        ConfigError: there is no such scenario, it is not TOML, or a value is refused; one line says where.
    """
    raw = toml_table(_read(source), source)
    model = _MODELS.get(str(raw.get("kind", Scenario.kind)))
    if model is not None and Path(source).is_file():
        raw = model.read_beside(raw, Path(source).parent)
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set {override}: has no key=value; write for example --set federation.rounds=20")
        set_value(raw, key.strip(), _value(text.strip(), source=f"--set {override}"), source=f"--set {override}")
    return validate(raw, source=str(source))


def validate(raw: Mapping[str, Any], *, source: str) -> BaseScenario:
    """Check a nested table against the model of its kind of scenario.

    Raises:
        ConfigError: one line with the source, the key, its value and what to do; more problems are counted.
    """
    kind = raw.get("kind", Scenario.kind)
    if not isinstance(kind, str) or kind not in _MODELS:
        raise ConfigError(f"{source}: kind = {kind!r} must be {' or '.join(map(repr, _MODELS))}")
    model, table = _MODELS[kind], {key: value for key, value in raw.items() if key != "kind"}
    try:
        return model.model_validate(table)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise ConfigError(f"{source}: {_describe(dict(problems[0]), table, model)}{more}") from None


def scenario_table(scenario: BaseScenario) -> dict[str, Any]:
    """Return the nested table that `validate` reads back as the same scenario."""
    kind = {} if scenario.kind == Scenario.kind else {"kind": scenario.kind}
    return {**kind, **scenario.model_dump(exclude_none=True)}


def scenario_text(scenario: BaseScenario) -> str:
    """Return the TOML that reads back as the same scenario."""
    return tomli_w.dumps(scenario_table(scenario))


def set_value(raw: dict[str, Any], key: str, value: Any, *, source: str) -> None:
    """Set one value of a nested table in place, by its dotted key.

    Raises:
        ConfigError: the path leads through something that is no table, or names an arm that does not exist.
    """
    first, _, rest = key.partition(".")
    parts = [first, rest] if first in _FLAT_TABLES and rest else key.split(".")
    place: Any = raw
    for depth, part in enumerate(parts):
        here = ".".join(parts[:depth]) or "the scenario"
        last = depth == len(parts) - 1
        if isinstance(place, dict):
            step: str | int = part
            place.setdefault(part, {})
        elif isinstance(place, list):
            step = _position(place, part, here, source)
        else:
            raise ConfigError(f"{source}: {here} is a single value, not a table; drop what follows its name")
        if last:
            place[step] = value
        place = place[step]


def toml_table(text: str, source: str | Path) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        ConfigError: the text is not TOML; the message has line and column. Or reading it would take too long.
    """
    try:
        return parsed(text)
    except ValueError as error:
        raise ConfigError(f"{source}: is not valid TOML: {error}; correct that line") from None


def _read(source: str | Path) -> str:
    path = Path(source)
    looks_like_a_file = path.suffix == ".toml" or len(path.parts) > 1
    if not looks_like_a_file and not path.is_file():
        if str(source) in bundled_scenarios():
            return (resources.files("experiments") / "scenarios" / f"{source}.toml").read_text(encoding="utf-8")
        names = bundled_scenarios()
        close = difflib.get_close_matches(str(source), names, n=1)
        meant = f"did you mean {close[0]}? Else " if close else ""
        raise ConfigError(
            f"no scenario {str(source)!r}: {meant}name a TOML file or one of the bundled scenarios ({', '.join(names)})"
        )
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 (byte {error.start}); save the file as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"cannot read scenario {path}: {error.strerror}; check the path") from error


def _value(text: str, *, source: str) -> Any:
    """Read a value in TOML, a number without its zero (.1) too, or else as text.

    Raises:
        ConfigError: numbers with a comma between them, which may be a decimal comma or a list.
    """
    try:
        return copy.deepcopy(tomllib.loads(f"value = {text}")["value"])
    except tomllib.TOMLDecodeError:
        if _BARE_POINT.fullmatch(text):
            return float(text)
        if _COMMA.fullmatch(text):
            whole, _, rest = text.partition(",")
            thousands = f" or {whole}{rest}" if re.fullmatch(r"\d{3}", rest) else ""
            point = f"{whole}.{rest}{thousands} for a number, " if "," not in rest and "." not in text else ""
            raise ConfigError(
                f'{source}: {text} has a comma; write {point}[{text}] for a list, or "{text}" in quotes for text'
            ) from None
        return text


def _position(items: Sequence[Any], part: str, here: str, source: str) -> int:
    names = [str(item.get("name")) if isinstance(item, Mapping) else "" for item in items]
    if part in names:
        return names.index(part)
    if part.isdigit() and int(part) < len(items):
        return int(part)
    close = difflib.get_close_matches(part, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(names)}"
    raise ConfigError(f"{source}: {here} has no {part!r}; {hint}")


def _describe(problem: dict[str, Any], raw: Mapping[str, Any], root: type[BaseScenario]) -> str:
    """Say in one line what pydantic found: key, value, what is wrong, what to do."""
    kind, location = problem["type"], tuple(problem["loc"])
    if kind == "value_error":
        return str(problem["ctx"]["error"])
    key, model, hint = _walk(location, raw, root)
    if kind == "extra_forbidden":
        known = [*(["kind"] if model is root else []), *(model.model_fields if model is not None else ())]
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        full = f"{key.rpartition('.')[0]}.{close[0]}".lstrip(".") if close else ""
        return f"unknown key {key}; " + (f"did you mean {full}?" if close else f"known keys: {', '.join(known)}")
    if kind == "missing":
        return f"{key} is missing; add it: {hint}"
    value = problem["input"]
    if kind == "literal_error":
        expected = problem["ctx"]["expected"]
        close = difflib.get_close_matches(str(value), expected.replace("'", "").replace(" or ", ", ").split(", "), n=1)
        what = f"must be {expected}" + (f"; did you mean {close[0]}?" if close else "")
    else:
        what = _KINDS.get(kind) or problem["msg"].replace("Input should", "must")
    shown = "" if isinstance(value, Mapping | list | tuple) and value else f" = {value!r}"
    return f"{key}{shown} {what}" + (f" ({hint})" if hint else "")


def _walk(
    location: Sequence[int | str], raw: Mapping[str, Any], root: type[BaseScenario]
) -> tuple[str, type[BaseModel] | None, str]:
    """Follow a pydantic location: the key as a user writes it, the model that holds it, and the field's hint."""
    parts: list[str] = []
    model: type[BaseModel] | None = root
    hint, place = "", raw
    for step in location:
        if isinstance(step, int):
            item = place[step] if isinstance(place, list | tuple) and step < len(place) else None
            parts.append(str(item["name"]) if isinstance(item, Mapping) and "name" in item else str(step + 1))
            place = item if item is not None else {}
            continue
        if isinstance(place, Mapping) or step == location[-1]:
            fields = model.model_fields if model is not None else {}
            if step in fields:
                hint = fields[step].description or ""
                model = _inner_model(fields[step].annotation) if step != location[-1] else model
            elif step not in (place if isinstance(place, Mapping) else {}):
                continue
            parts.append(step if step.isprintable() else repr(step))
            place = place.get(step, {}) if isinstance(place, Mapping) else {}
    return ".".join(parts), model, hint


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for inner in getattr(annotation, "__args__", ()):
        found = _inner_model(inner)
        if found is not None:
            return found
    return None
