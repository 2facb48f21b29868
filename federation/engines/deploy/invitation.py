"""Hosts of their own: the server's owner invites, each merchant makes its own keys, and only public parts travel."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from federation.engines.deploy import keys, split
from federation.engines.deploy.launch import MEMBERS
from federation.engines.deploy.party import FILE, ROSTER, SERVER, Party
from federation.engines.deploy.site import AUTHORITY
from retail.errors import ConfigError, DataError
from retail.merchants import By
from retail.public_tables import PublicSource

INVITATION: Final = "invitation"
_IDENTITY: Final = re.compile(r"[0-9a-f]{64}")


def invite(
    folder: Path,
    tables: Path,
    *,
    source: PublicSource,
    merchants: Sequence[int | str] | None,
    host: str,
    port: int,
    most_epsilon: float,
    by: By = "home_store",
    k_max: int = 1,
    pictures: str = "",
) -> Path:
    """Make the server's folder and what it sends to every merchant.

    Args:
        folder: not there yet.
        tables: folder with the public tables; its name is the data set's.
        source: the same, described.
        merchants: stores; all of the stores table when None.
        host: name or address under which merchants reach the server.
        port: of the server.
        most_epsilon: what the server allows to one run; merchants set their own.
        by: how a registry enrols shoppers, "home_store" or "store".
        k_max: at how many merchants.
        pictures: what runs call the merchants' pictures of people; empty for none.

    Returns: the folder to send.

    Raises: ConfigError, DataError: as `Site.make`.
    """
    folder = folder.resolve()
    if folder.exists():
        raise ConfigError(f"{folder} is there already; name a folder that is not, keys are never replaced")
    split.check_enrolment(by, k_max)
    data = source.open()
    members = split.merchants_of(data, merchants)
    server = Party(
        folder=folder / SERVER,
        merchant=None,
        members=members,
        data=f"data/{tables.resolve().name}",
        server=f"{host}:{port}",
        most_epsilon=most_epsilon,
        by=by,
        k_max=k_max,
        faces=f"faces/{pictures}" if pictures else "",
    )
    invited = replace(server, folder=folder / INVITATION)
    try:
        for one in (folder, folder / AUTHORITY, server.folder, server.folder / MEMBERS):
            keys.private_folder(one)
        keys.make_authority(folder / AUTHORITY)
        names = list(dict.fromkeys(["127.0.0.1", "localhost", host]))
        keys.certify_server(folder / AUTHORITY, server.folder, hosts=names)
        for party in (server, invited):
            split.public_part(data, party.tables)
            party.write()
        shutil.copy(folder / AUTHORITY / keys.CA, invited.folder / keys.CA)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return invited.folder


def join(
    folder: Path,
    invitation: Path,
    *,
    merchant: str,
    rows: Path,
    most_epsilon: float | None = None,
    pictures: Path | None = None,
) -> Party:
    """Make a merchant's folder on its own host, with keys that nobody else has seen.

    Args:
        folder: not there yet.
        invitation: what the server's owner sent.
        merchant: id among the members.
        rows: the merchant's own transactions, CSV or Parquet.
        most_epsilon: what this merchant allows to one run; what the server allows when None.
        pictures: folder with a folder of pictures for each of its people; None for none.

    Raises: ConfigError: not invited, or the folder is there. DataError: rows or pictures cannot be copied.
    """
    folder = folder.resolve()
    if folder.exists():
        raise ConfigError(f"{folder} is there already; name a folder that is not, keys are never replaced")
    party = Party.read(invitation)
    known = {str(one): one for one in party.members}
    if merchant not in known:
        raise ConfigError(f"merchant {merchant} is not invited; members are {', '.join(known)}")
    if rows.name not in ("transactions.csv", "transactions.parquet") or not rows.is_file():
        raise ConfigError(f"{rows} is no file transactions.csv or transactions.parquet; name the merchant's own rows")
    if pictures is not None and not party.faces:
        raise ConfigError("this federation learns nothing from pictures; leave them out")
    mine = replace(
        party,
        folder=folder,
        merchant=known[merchant],
        most_epsilon=party.most_epsilon if most_epsilon is None else most_epsilon,
        faces="" if pictures is None else party.faces,
    )
    try:
        keys.private_folder(folder)
        shutil.copytree(party.tables, mine.tables)
        keys.private_folder(mine.tables)
        copied = mine.tables / rows.name
        copied.touch(mode=0o600)
        shutil.copyfile(rows, copied)
        shutil.copy(invitation / keys.CA, folder / keys.CA)
        if pictures is not None:
            people = sorted(one.name for one in pictures.iterdir() if one.is_dir() and not one.name.startswith("."))
            split.copy_pictures(pictures, people, folder / mine.faces)
        keys.make_node_keys(folder)
        mine.write()
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise DataError(f"cannot copy {error.filename} ({error.strerror}); check space and permissions") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return mine


def admit(server: Party, merchant: str, sent: Path) -> list[int | str]:
    """Take a merchant's two public keys in at the server; with the last one write the roster.

    Args:
        server: the server.
        merchant: id among the members.
        sent: folder with the two files that the merchant sent.

    Returns: the members whose keys are still missing.

    Raises: ConfigError: no member, keys that are none, or keys that are there already.
    """
    known = {str(one): index for index, one in enumerate(server.members)}
    if server.merchant is not None or merchant not in known:
        raise ConfigError(f"{server.folder / FILE} has no member {merchant}; members are {', '.join(known)}")
    try:
        node = (sent / keys.NODE_PUBLIC).read_text(encoding="ascii").strip()
        identity = (sent / keys.IDENTITY_PUBLIC).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{sent} must hold {keys.NODE_PUBLIC} and {keys.IDENTITY_PUBLIC} of merchant {merchant}"
        ) from error
    if not node.startswith("ecdsa-sha2-nistp384 ") or not _IDENTITY.fullmatch(identity):
        raise ConfigError(f"{sent}: these are no public keys of a merchant; send node.pub and identity.pub as made")
    members = server.folder / MEMBERS
    place = members / f"{known[merchant]}.pub"
    if place.exists():
        raise ConfigError(f"a key of merchant {merchant} is there already; take {place} away if it is to be replaced")
    (members / f"{known[merchant]}.identity").write_text(identity + "\n", encoding="ascii")
    place.write_text(node + "\n", encoding="ascii")
    missing = [one for one, index in known.items() if not (members / f"{index}.pub").is_file()]
    if not missing:
        found = [(members / f"{index}.identity").read_text(encoding="ascii").strip() for index in known.values()]
        (server.folder / ROSTER).write_text(",".join(found) + "\n", encoding="ascii")
    return [server.members[known[one]] for one in missing]
