"""The text that people are shown before they agree, one for a shop; a receipt names it by its hash."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from retail.files import atomic_write

NOTICE: Final = "notice.txt"
REFERENCE: Final = "faces-1"
LANGUAGE: Final = "en"


def write_notice(folder: Path, *, merchant: str, alternative: str) -> Path:
    """Write the sample text of a shop; a lawyer of the merchant has to write the real one.

    Raises: DataError: it cannot be written.
    """
    text = (
        f"{merchant} recognises customers by their face only if they agreed to it.\n"
        "You agree to each use on its own, and can leave out any of them:\n"
        "- in_store_recognition: we greet you when you come in;\n"
        "- recommendation: an assistant then sees what you often buy here and what a shared model suggests;\n"
        "- payment: you pay with your face after you said who you are.\n"
        "We keep a template of your face, encrypted, and no photo. Nobody else gets it.\n"
        "You can withdraw each agreement at any time, at the till or by telling any member of staff; the template is "
        "deleted at once.\n"
        f"If you do not agree, nothing changes for you: {alternative}.\n"
        "This is a sample text: have your own written before you use it with customers.\n"
    )
    path = folder / NOTICE
    atomic_write(path, lambda file: file.write_text(text, encoding="utf-8"))
    return path
