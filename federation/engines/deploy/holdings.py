"""What of a run's data a party holds itself: its own tables, pictures or responses, whatever path the run names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from federation.config import FederationConfig
from retail.datasource import DataSource
from retail.errors import ConfigError
from retail.faces.source import FaceSource
from retail.public_tables import PublicSource
from retail.responses.source import ResponseSource

if TYPE_CHECKING:
    from federation.engines.deploy.party import Party


def own_source(party: Party, config: FederationConfig) -> DataSource | FaceSource | ResponseSource:
    """Return the run's source as the party has it: a merchant its own rows, the server nobody's.

    Of pictures and responses the server opens nothing: all that is public of them is in the run's settings.

    Raises: ConfigError: the party holds no such data, or others than the run is about.
    """
    source = config.source
    if isinstance(source, FaceSource):
        if source.source != "face-folder":
            raise ConfigError(f'source = "{source.source}" is nothing that parties hold; use pictures in a folder')
        _check_same(config, "faces", f"faces in {Path(party.faces).name}" if party.faces else "")
        return replace(source, path=str(party.folder / party.faces), held_by=_place(party))
    if isinstance(source, ResponseSource):
        _check_same(config, "responses", Path(party.responses).stem)
        return replace(source, path=str(party.folder / party.responses))
    if source.source != "folder":
        raise ConfigError(f'source = "{source.source}" is nothing that parties hold; use tables in a folder')
    _check_same(config, "data", f"folder {party.tables.name}")
    if party.merchant is None:
        return PublicSource.of(source, party.tables)
    return replace(source, path=str(party.tables))


def _place(party: Party) -> int | None:
    return None if party.merchant is None else party.place


def _check_same(config: FederationConfig, key: str, held: str) -> None:
    if config.dataset != held:
        has = f"this party holds {held.removeprefix('folder ')!r}" if held else f"this party holds none (no {key!r})"
        raise ConfigError(f"the run is about {config.dataset!r}, {has}")
