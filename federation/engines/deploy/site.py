"""All parties of a federation on one machine: for trials, and to make the folders that are then handed out."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from federation.engines.deploy import keys, launch, processes, split
from federation.engines.deploy.launch import MEMBERS, Running
from federation.engines.deploy.party import ROSTER, SERVER, Party, party_name
from retail.datasource import DataSource
from retail.errors import ConfigError, DataError, TradefairError
from retail.merchants import By

AUTHORITY: Final = "authority"
_ONLINE_S: Final = 120.0
_POLL_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Site:
    """The folders of all parties of a federation.

    Attributes:
        folder: that holds them.
        server: the server's.
        merchants: the merchants', in order.
    """

    folder: Path
    server: Party
    merchants: tuple[Party, ...]

    @classmethod
    def read(cls, folder: Path) -> Site:
        """Read the parties' folders.

        Raises: ConfigError: there are none, or one cannot be used.
        """
        folder = folder.resolve()
        if not (folder / SERVER).is_dir():
            raise ConfigError(f"{folder} holds no federation; make one with `tradefair federate init`")
        server = Party.read(folder / SERVER)
        return cls(folder, server, tuple(Party.read(folder / party_name(one)) for one in server.members))

    @classmethod
    def make(
        cls,
        folder: Path,
        source: DataSource,
        *,
        merchants: Sequence[int | str] | None = None,
        by: By = "home_store",
        k_max: int = 1,
        before: int | None = None,
        most_epsilon: float = 4.0,
        hosts: Sequence[str] = (),
        port: int | None = None,
        pictures: Path | None = None,
    ) -> Site:
        """Make the parties' folders: certificates, keys, and of a folder of tables to each its own rows.

        Args:
            folder: not there yet, or empty.
            source: a folder of tables.
            merchants: stores; all of the stores table when None.
            by: "home_store" or "store".
            k_max: at how many merchants a shopper may take part.
            before: day of enrolment; the day after the data's period when None.
            most_epsilon: what every party allows to one run.
            hosts: further names of the server's host; nodes are told the first of them.
            port: of the server; one that is free now when None.
            pictures: folder with a folder of pictures for each person, dealt to the same merchants; None for none.

        Raises:
            ConfigError: the folder is taken, the port is, or the data cannot be cut so.
            DataError: the data cannot be used, or something cannot be written; nothing is left behind.
        """
        folder = folder.resolve()
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder} is there already; name a folder that is not, keys are never replaced")
        split.check_enrolment(by, k_max)
        if port is None:
            port = processes.free_port()
        data = source.open()
        members = split.merchants_of(data, merchants)
        rows = split.own_rows(
            data, members, by=by, k_max=k_max, before=data.period.end_day if before is None else before
        )
        people = [] if pictures is None else split.people_of(pictures, len(members))
        made = keys.private_folder(folder.with_name(f".{folder.name}.making-{os.getpid()}"))
        try:
            name = f"{hosts[0] if hosts else '127.0.0.1'}:{port}"
            server = Party(
                folder=keys.private_folder(made / SERVER),
                merchant=None,
                members=members,
                data=f"data/{data.name}",
                server=name,
                most_epsilon=most_epsilon,
                by=by,
                k_max=k_max,
                faces="" if pictures is None else f"faces/{pictures.resolve().name}",
            )
            keys.make_authority(keys.private_folder(made / AUTHORITY))
            keys.certify_server(made / AUTHORITY, server.folder, hosts=["127.0.0.1", "localhost", *hosts])
            split.public_part(data, server.tables)
            parties = [
                replace(server, merchant=one, folder=keys.private_folder(made / party_name(one))) for one in members
            ]
            for party, own in zip(parties, rows, strict=True):
                keys.make_node_keys(party.folder)
                split.public_part(data, party.tables)
                split.write_rows(own, party.tables)
                if pictures is not None:
                    split.copy_pictures(pictures, people[party.place], party.folder / party.faces)
            _introduce(server, parties)
            if folder.exists():
                folder.rmdir()
            made.rename(folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        return cls.read(folder)

    def up(self, *, progress: Callable[[str], None] = lambda line: None, pinned: bool = True) -> None:
        """Start server and nodes and wait until all nodes are connected.

        Raises:
            ConfigError: one runs already, or the port is taken.
            TradefairError: one does not come up, or does not connect; nothing is left running.
        """
        for party in (self.server, *self.merchants):
            running = Running.read(party.folder)
            if running is not None and running.alive:
                raise ConfigError(f"{party.name} runs already; `tradefair federate down {self.folder}` ends it")
        try:
            launch.start_server(self.server)
            progress(f"server: listens on {self.server.server}, {len(self.merchants)} keys admitted")
            started = [launch.start_node(one, pinned=pinned, wait=False) for one in self.merchants]
            for party, running in zip(self.merchants, started, strict=True):
                launch.await_node(running, party.folder)
                progress(f"{party.name}: started")
            self._wait_online()
            progress(f"{len(self.merchants)} of {len(self.merchants)} nodes are connected")
        except BaseException:
            self.down()
            raise

    def down(self) -> list[str]:
        """End everything that was started from these folders; returns the names of the parties that ran.

        Raises: TradefairError: a process cannot be ended.
        """
        return [one.name for one in (*self.merchants, self.server) if launch.stop(one.folder)]

    def _wait_online(self) -> None:
        control, wanted = launch.control_of(self.server), len(self.merchants)
        deadline = time.monotonic() + _ONLINE_S
        while True:
            online = control.online()
            if online >= wanted:
                return
            ended = [one for one in self.merchants if not _alive(one)]
            if ended or time.monotonic() > deadline:
                who = ended[0] if ended else self.merchants[0]
                raise TradefairError(
                    f"{online} of {wanted} nodes are connected; {who.folder / launch.LOG} says why {who.name} is not"
                    if ended
                    else f"{online} of {wanted} nodes are connected after {_ONLINE_S:.0f} s; their log.txt say why"
                )
            time.sleep(_POLL_S)


def _alive(party: Party) -> bool:
    running = Running.read(party.folder)
    return running is not None and running.alive


def _introduce(server: Party, parties: Sequence[Party]) -> None:
    """Give every party what is public of the others: the roster, the authority's certificate, the members' keys."""
    roster = ",".join((one.folder / keys.IDENTITY_PUBLIC).read_text(encoding="ascii").strip() for one in parties)
    members = keys.private_folder(server.folder / MEMBERS)
    try:
        for index, party in enumerate(parties):
            shutil.copy(party.folder / keys.NODE_PUBLIC, members / f"{index}.pub")
        for party in (server, *parties):
            (party.folder / ROSTER).write_text(roster + "\n", encoding="ascii")
            if party.merchant is not None:
                shutil.copy(server.folder / keys.CA, party.folder / keys.CA)
            party.write()
    except OSError as error:
        raise DataError(f"cannot write {error.filename} ({error.strerror}); check space and permissions") from error
