"""Checking a report offline: with the file, its signature and a public key, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from jinja2 import TemplateError

from experiments.report.checking import Check
from experiments.report.signature import check_signature
from experiments.report.text import visible
from experiments.report.unpack import read_document
from privacy.log import SignedHead, Verification
from retail.errors import ConfigError, DataError, PrivacyError

_MOST: Final = 20


def verify_report(path: Path | str, *, key_hex: str | None = None, witness: SignedHead | None = None) -> Verification:
    """Check a report: every byte by its signature, every number by its way to a signed head.

    Checked, in this order: the signature beside it (`<path>.sig`) over the whole file; that signature and all heads are
    by one key; each logged entry leads to its head; each number is what its entry says (sums, counts and verdicts are
    worked out again from the logs inside the report); and what is printed is what the report's data say: the page is
    laid out again and compared byte by byte where this is the version that made it, else each marked number of an HTML
    page is compared (a PDF made by another version is a problem, since its pages cannot be read).

    Args:
        path: an HTML, PDF or JSON report.
        key_hex: the store's public key, known from elsewhere. Without it the key in the signature is believed, and the
            notes say so.
        witness: a head of the report's log, kept since earlier: the report's head must extend it.

    Returns: the verdict; `size` and `root_hex` are those of the report's first log.

    Raises:
        DataError: the file cannot be read.
        ConfigError: nothing is wrong so far, but typst is not installed, so the pages of a PDF cannot be compared.

    Guarantee: with the key known, a report that passes was signed by its owner in this form, and its numbers stand in
        logs that the owner signed. Assumes SHA-256 and Ed25519. What was never logged, or was logged falsely, passes.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the report {path}: {error.strerror}; check the path") from error
    signature, problems = check_signature(path, content)
    notes: list[str] = []
    owner = key_hex or (str(signature["key"]) if signature is not None else "")
    if signature is not None and str(signature["key"]) != owner:
        problems.append(f"the report is signed by {signature['key']}, not by the key you gave ({owner})")
    if key_hex is None and signature is not None:
        notes.append(
            f"nobody said whose key it should be: compare {owner} with the owner's (--key), since whoever rewrites a "
            "report can sign it with a key of their own"
        )
    if signature is not None and signature["file"] != path.name:
        notes.append(f"the report was signed under the name {visible(str(signature['file']))}")
    document, trouble = read_document(path, content) if not problems else (None, [])
    problems += trouble
    if document is None:  # also where the signature is not good: nothing else in the file is worth reading then
        return Verification(False, tuple(problems), 0, "", owner, tuple(notes), "")
    try:
        check = Check(document, owner)
        check.heads(signature, witness)
        check.numbers()
        check.verdicts()
        check.belonging()
        check.page(path, content)
        problems += check.problems
        notes += check.notes
        first = next(iter(check.signed.values()), None)
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, TemplateError, PrivacyError) as error:
        problems.append(
            f"the report's data are not what a report holds ({type(error).__name__}: {visible(str(error))})"
        )
        first = None
    if not problems and check.unchecked:
        raise ConfigError(f"{path} cannot be checked: {check.unchecked}")
    shown = problems[:_MOST] + ([f"and {len(problems) - _MOST} problems more"] if len(problems) > _MOST else [])
    return Verification(
        ok=not problems,
        problems=tuple(shown),
        size=0 if first is None else first.size,
        root_hex="" if first is None else first.root_hex,
        key_hex=owner,
        notes=tuple(notes),
        origin="" if first is None else first.origin,
    )
