"""Edits as tables: read with care, written back, and spelled the way that whoever wrote them spells them."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, Final, get_args

from retail.errors import ConfigError
from simulation.store.plan.edit import Edit
from simulation.store.plan.kinds import SIDES, TILL_KINDS

Spelling = Callable[[Mapping[str, Any]], str]
"""Writes the table of an edit as a user would."""
EXAMPLES: Final[Mapping[str, Mapping[str, Any]]] = {
    "swap": {"swap": ["dairy", "bakery"]},
    "move": {"move": "till-3", "x": 12, "y": 30.5},
    "add_till": {"add_till": "self_checkout", "x": 24, "y": 35},
    "remove": {"remove": "till-2"},
    "show": {"show": "front-end-cap-1", "category": "eggs"},
}
"""One table of each kind of edit, with the keys that it cannot do without."""
_KINDS: Final[dict[str, type[Edit]]] = {fields(one)[0].name: one for one in get_args(Edit)}
_TYPES: Final = {one.name: str(one.type) for kind in _KINDS.values() for one in fields(kind)}
"""What is declared for each key; a key of several edits has one type."""
NUMBERS: Final = frozenset(key for key, wanted in _TYPES.items() if wanted.startswith(("float", "int")))
"""Keys whose values are numbers; names may look like numbers and are none."""


def inline(table: Mapping[str, Any]) -> str:
    """Spell an edit as TOML on one line: `{ swap = ["dairy", "bakery"] }`."""
    return f"{{ {', '.join(f'{key} = {_literal(value)}' for key, value in table.items())} }}"


def read_edit(table: Mapping[str, Any], *, spelled: Spelling = inline) -> Edit:
    """Read an edit from its table, such as `{swap = ["dairy", "bakery"]}` or `{remove = "till-2"}`.

    Args:
        table: as read from TOML or a command line.
        spelled: how messages write edits.

    Raises: ConfigError: no or several kinds of edit, a key that it does not have, or a value of another type. The
        message shows how the edit is written.
    """
    kinds = [key for key in _KINDS if key in table]
    if not kinds:
        raise ConfigError(f"{spelled(table)}: {unknown_edit(table, spelled)}")
    if len(kinds) > 1:
        raise ConfigError(f"{spelled(table)}: is {' and '.join(kinds)} at once; write each as an edit of its own")
    kind = kinds[0]
    try:
        return _read(kind, table)
    except ConfigError as error:
        usage = spelled(_corrected(kind, table))
        raise ConfigError(f"{spelled(table)}: {error}; write {usage}") from None


def edit_table(edit: Edit) -> dict[str, Any]:
    """Return the table that `read_edit` reads back as the same edit, without what is left at its default."""
    table = {}
    for one in fields(edit):
        value = getattr(edit, one.name)
        if value != one.default:
            table[one.name] = list(value) if isinstance(value, tuple) else value
    return table


def unknown_edit(table: Mapping[str, Any], spelled: Spelling) -> str:
    """Say what to write in place of a table whose first key is no edit, or of an edit's bare word."""
    word = next(iter(table), "")
    alike = difflib.get_close_matches(word.casefold(), _KINDS, n=1)
    if not alike:
        return f"names no edit; write for example {' or '.join(spelled(one) for one in EXAMPLES.values())}"
    others = {key: value for key, value in table.items() if key != word}
    meant = spelled(_corrected(alike[0], {alike[0]: table[word], **others}))
    if word == alike[0]:
        return f"there is no = after {word!r}; write {meant}"
    return f"{word!r} is no edit; did you mean {meant}?"


def _read(kind: str, table: Mapping[str, Any]) -> Edit:
    """Read an edit whose kind is known; messages do not say which edit it is."""
    declared = {one.name: one for one in fields(_KINDS[kind])}
    for key in table:
        if key not in declared:
            raise ConfigError(f"{kind} takes no {key!r}, only {', '.join(declared)}")
    needed = [key for key, one in declared.items() if one.default is MISSING]
    if len(needed) > 1 and isinstance(table[kind], list | tuple):
        raise ConfigError(f"{kind} takes one name, then {' and '.join(f'{key} =' for key in needed[1:])}")
    values = {key: _value(key, value) for key, value in table.items()}
    missing = [key for key in needed if key not in values]
    if missing:
        raise ConfigError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    return _KINDS[kind](**values)


def _corrected(kind: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the example of an edit with whatever of the table can be used.

    Values in a row without their keys, as in `move = ["till-1", 3, 6.4]`, are taken in the order of the keys.
    """
    given = dict(table)
    if isinstance(given[kind], list | tuple) and kind != "swap":
        row = dict(zip(EXAMPLES[kind], given.pop(kind), strict=False))
        given = {**row, **given}
    found = dict(EXAMPLES[kind])
    for key, value in given.items():
        try:
            read = _value(key, _number(value) if key in NUMBERS else value)
        except (ConfigError, KeyError):
            continue
        found[key] = list(read) if isinstance(read, tuple) else read
    declared = {one.name for one in fields(_KINDS[kind])}
    return {key: value for key, value in found.items() if key in declared}


def _number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _value(key: str, value: Any) -> Any:
    """Check a value against the type that the edits declare for its key."""
    wanted = _TYPES[key]
    if key == "swap":
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one for one in value):
            raise ConfigError(f"swap = {value!r} must be a list of two names")
        if len(value) != 2:
            raise ConfigError(f"swap needs exactly two names, got {len(value)}")
        return tuple(value)
    if wanted.startswith("tuple"):
        many = [value] if isinstance(value, str) else value
        if not isinstance(many, list | tuple) or not many or not all(one in SIDES for one in many):
            raise ConfigError(f"{key} = {value!r} must be among {', '.join(SIDES)}")
        return tuple(many)
    if wanted.startswith("float"):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConfigError(f"{key} = {value!r} must be a number")
        return float(value)
    if wanted.startswith("int"):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ConfigError(f"{key} = {value!r} must be a whole number")
        return value
    if isinstance(value, list | tuple):
        raise ConfigError(f"{key} takes one name, got {len(value)} values")
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{key} = {value!r} must be a name")
    if wanted == "TillKind" and value not in TILL_KINDS:
        raise ConfigError(f"{value!r} is no kind of till; use one of {', '.join(TILL_KINDS)}")
    return value


def _literal(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_literal(one) for one in value)}]"
    if isinstance(value, float):
        return f"{value:.12g}"
    return json.dumps(value, ensure_ascii=False, default=str)
