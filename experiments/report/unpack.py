"""Taking the data out of a report file, whatever its format, and refusing anything of another shape."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from experiments.report.html import BLOCK
from experiments.report.model import FORMAT, ReportModel
from experiments.report.plain import document_bytes
from experiments.report.text import visible
from retail.errors import PrivacyError

LARGEST: Final = 200_000_000
"""Bytes that anything in a report may unpack to."""


class Page(HTMLParser):
    """Reads a page: the numbers that it marks, and the block that holds the report."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.printed: list[tuple[str, str, str]] = []
        self.blocks: list[str] = []
        self._mark: tuple[str, str] | None = None
        self._block = False
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a number or the block."""
        found = dict(attrs)
        if tag == "data":
            self._mark, self._text = (found.get("data-proof") or "", found.get("data-field") or ""), []
        elif tag == "script" and found.get("id") == BLOCK:
            self._block, self._text = True, []

    def handle_data(self, data: str) -> None:
        """Collect text."""
        if self._mark is not None or self._block:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        """End a number or the block."""
        if tag == "data" and self._mark is not None:
            self.printed.append((*self._mark, "".join(self._text)))
            self._mark = None
        elif tag == "script" and self._block:
            self.blocks.append("".join(self._text))
            self._block = False


def read_document(path: Path, content: bytes) -> tuple[Mapping[str, Any] | None, list[str]]:
    """Take the report's data out of a file.

    Returns: the data (None where there are none that can be used), and what is wrong.
    """
    kind = path.suffix.lower()
    try:
        if kind == ".html":
            page = Page()
            page.feed(content.decode("utf-8"))
            found = [block.encode() for block in page.blocks]
        elif kind == ".pdf":
            found = _attachments(content)
        elif kind == ".json":
            found = [content]
        else:
            return None, [f"{path.name} is no .html, .pdf or .json, so it is no report"]
        if len(found) != 1:
            return None, [f"{path.name} holds {len(found)} blocks of report data, not one"]
        document = json.loads(found[0])
    except (ValueError, RecursionError, zlib.error) as error:
        return None, [f"the report's data cannot be read ({visible(str(error))})"]
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        return None, [f"{path.name} holds no report of the form {FORMAT!r}"]
    try:
        fields = {name: value for name, value in document.items() if name != "format"}
        again = document_bytes(TypeAdapter(ReportModel).validate_python(fields).document())
    except (ValidationError, PrivacyError, RecursionError) as error:
        return None, [f"the report's data are not of a report's shape ({visible(str(error))})"]
    if again != (document_bytes(document) if kind == ".html" else found[0]):
        return None, ["the report's data are not written as a report writes them"]
    return document, []


def _attachments(content: bytes) -> list[bytes]:
    """Return the files attached to a PDF that typst wrote (deflated streams of type EmbeddedFile)."""
    found = []
    for match in re.finditer(rb"/Type\s*/EmbeddedFile.*?stream\r?\n", content, re.DOTALL):
        unpacker = zlib.decompressobj()
        found.append(unpacker.decompress(content[match.end() :], LARGEST))
    return found
