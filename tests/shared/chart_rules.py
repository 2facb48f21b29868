"""What every chart of the app must keep, checked on its Vega-Lite document and its text when it is drawn."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

FIGURE = re.compile(r"(?<![\w@.,%])[+\-\u2212]?\d")
INTERVAL = re.compile(r"\b95% intervals?")


def faults_of(document: Mapping[str, Any], alt: str) -> list[str]:
    """List what a chart lacks: a title on a quantitative axis, or a figure in its text."""
    faults = []
    for channel in ("x", "y"):
        drawn = [one[channel] for one in _encodings(document) if channel in one]
        measured = [one for one in drawn if one.get("type") == "quantitative" and one.get("axis", {}) is not None]
        if measured and not any(_title(one) for one in measured):
            faults.append(f"{channel} has no title")
    if not FIGURE.search(INTERVAL.sub("", alt)):
        faults.append(f"no figure in its text: {alt}")
    return faults


def _title(encoding: Mapping[str, Any]) -> str:
    axis = encoding.get("axis") or {}
    return str(axis.get("title") or encoding.get("title") or "")


def _encodings(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "encoding" in document:
        yield document["encoding"]
    for key in ("layer", "hconcat", "vconcat", "concat"):
        for one in document.get(key, ()):
            yield from _encodings(one)
