"""Where policies come from: bundled packs, folders of a user, and regimes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from privacy.policy.compile import compile_rules
from privacy.policy.regime_rules import regime_rules
from privacy.policy.table import read_rules
from privacy.regimes import regime as find_regime
from retail.errors import PolicyError

PACKS_FOLDER: Final = Path(__file__).with_name("packs")
PACKS: Final = ("base", "dma", "gdpr", "ai-act", "pipl", "bipa", "ccpa")
"""House rules and laws."""
SIMULATION_PACK: Final = "simulation"
"""What only a simulation may do: somebody who stands outside the market measures it."""
REGIME_PACK: Final = "regime"
RULES_FILE: Final = "rules.csv"
CASES_FILE: Final = "cases.csv"


@dataclass(frozen=True, slots=True)
class PolicyText:
    """Policies of one source in Cedar.

    Attributes:
        name: of the pack, folder or regime.
        cedar: policy text.
    """

    name: str
    cedar: str


def load_texts(sources: Sequence[str | Path], *, regime: str | None = None) -> tuple[PolicyText, ...]:
    """Compile every source, and the regime last.

    Args:
        sources: names of bundled packs (`PACKS`) or folders that hold `rules.csv`, `*.cedar` files, or both.
        regime: id of a regime.

    Raises: PolicyError: an unknown name, a source given twice, a folder without rules, or a wrong cell.
    """
    if isinstance(sources, str | Path):
        raise PolicyError(f"sources must be a list of packs or folders, got {sources!r}; write [{str(sources)!r}]")
    found = [load_source(source) for source in sources]
    if regime is not None:
        rules = regime_rules(find_regime(regime), PACKS_FOLDER / REGIME_PACK / RULES_FILE)
        found.append(PolicyText(f"regime {regime}", compile_rules(rules, pack=f"regime {regime}")))
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1:
            raise PolicyError(f"policy source {name!r} is given twice; name it once")
    return tuple(found)


def load_source(source: str | Path) -> PolicyText:
    """Compile one pack or folder (see `load_texts`)."""
    folder = source_folder(source)
    name = str(source) if _is_bundled(source) else str(folder)
    parts = []
    rules = folder / RULES_FILE
    if rules.exists():
        parts.append(compile_rules(read_rules(rules), pack=name if _is_bundled(name) else folder.name))
    for path in sorted(folder.glob("*.cedar")):
        try:
            parts.append(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise PolicyError(f"{path} cannot be read ({error}); save it as UTF-8 text") from error
    if not parts:
        raise PolicyError(f"{folder} holds neither {RULES_FILE} nor a .cedar file; write one (see docs/policy.md)")
    return PolicyText(name, "\n".join(parts))


def source_folder(source: str | Path) -> Path:
    """Return the folder of a bundled pack or the user's own.

    Raises: PolicyError: neither a pack nor a folder.
    """
    if _is_bundled(source):
        return PACKS_FOLDER / str(source)
    folder = Path(source)
    if not str(source) or not folder.is_dir():
        raise PolicyError(
            f"there is no policy pack or folder {str(source)!r}; packs are {', '.join(PACKS)}, or name a folder with "
            f"{RULES_FILE}"
        )
    return folder


def _is_bundled(source: str | Path) -> bool:
    return str(source) in (*PACKS, SIMULATION_PACK)
