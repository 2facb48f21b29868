"""Where a command writes what the user named: refused before any work, rather than after it or in a new folder."""

from __future__ import annotations

from pathlib import Path


def require_place(path: Path, option: str) -> None:
    """Refuse a file whose folder is not there: more likely a typing mistake than a wish for a new folder.

    Args:
        path: of the file to be written.
        option: how the user named it, such as "--to".

    Raises:
        ConfigError: there is no such folder, or `path` is a folder itself.
    """
    from retail.errors import ConfigError

    if path.is_dir():
        raise ConfigError(f"{option} {path}: is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ConfigError(f"{option} {path}: there is no folder {path.parent}; make it, or name another place")
