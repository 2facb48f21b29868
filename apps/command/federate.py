"""`tradefair federate`: a federation over a network, or all of its parties on this machine."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from apps.command.experiment import Json, Set

app = typer.Typer(help="Bring up a federation, train a scenario on it, end it.", no_args_is_help=True)

Place = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the federation, or of one party.")]
Data = Annotated[Path, typer.Option("--data", help="Folder of tables; see docs/data.md.")]
Population = Annotated[int, typer.Option("--population", help="Publicly known number of shoppers.")]
Day = Annotated[dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="Declared day of the data.")]
Merchants = Annotated[str | None, typer.Option("--merchants", help="Ids of stores, commas between; all if left out.")]
Most = Annotated[float, typer.Option("--most-epsilon", help="What a party allows to one run.")]
By = Annotated[str, typer.Option("--by", help="How shoppers are enrolled: home_store, or store.")]
Cap = Annotated[int, typer.Option("--k-max", help="At how many merchants a shopper may take part.")]
Pictures = Annotated[
    Path | None, typer.Option("--pictures", help="Folder with a folder of face pictures for each person.")
]
Port = Annotated[int | None, typer.Option("--port", help="Of the server; a free one if left out.", min=1, max=65535)]


@app.command(short_help="Make keys, certificates and folders, all on this machine.")
def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder for all parties.")],
    data: Data,
    population: Population,
    start: Day,
    end: Day,
    merchants: Merchants = None,
    by: By = "home_store",
    k_max: Cap = 1,
    before: Annotated[
        dt.datetime | None,
        typer.Option("--before", formats=["%Y-%m-%d"], help="Day of enrolment; the end if left out."),
    ] = None,
    most_epsilon: Most = 4.0,
    port: Port = None,
    pictures: Pictures = None,
    as_json: Json = False,
) -> None:
    """Split a folder of tables among merchants, with keys for all, to try a federation on this machine.

    Whoever does this sees all rows and all keys. For hosts of their own: invite, join, admit.
    """
    from apps.command import tables
    from federation.engines.deploy.site import Site

    made = Site.make(
        folder,
        _source(data, population, start, end),
        merchants=_ids(merchants),
        by=by,  # type: ignore[arg-type]
        k_max=k_max,
        before=None if before is None else (before.date() - dt.date(1970, 1, 1)).days,
        most_epsilon=most_epsilon,
        port=port,
        pictures=pictures,
    )
    members = [str(one) for one in made.server.members]
    row = {"folder": str(made.folder), "server": made.server.server, "merchants": members}
    tables.tell(
        f"{made.folder}: a server ({made.server.server}) and {len(members)} merchants ({', '.join(members)}), each "
        f"with its own rows and keys\nto start them: tradefair federate up {folder}",
        row,
        as_json,
    )


@app.command(short_help="At the server's host: make its folder and the invitation.")
def invite(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder.")],
    data: Data,
    population: Population,
    start: Day,
    end: Day,
    host: Annotated[str, typer.Option("--host", help="Name or address under which merchants reach the server.")],
    port: Annotated[int, typer.Option("--port", help="Of the server.", min=1, max=65535)] = 9092,
    merchants: Merchants = None,
    by: By = "home_store",
    k_max: Cap = 1,
    most_epsilon: Most = 4.0,
    pictures: Annotated[str, typer.Option("--pictures", help="What runs call the merchants' face pictures.")] = "",
    as_json: Json = False,
) -> None:
    """Make the server's keys and certificate from a folder that holds the public tables alone."""
    from apps.command import tables
    from federation.engines.deploy.invitation import invite as make
    from retail.public_tables import PublicSource

    source = PublicSource.of(_source(data, population, start, end), data)
    sent = make(
        folder,
        data,
        source=source,
        merchants=_ids(merchants),
        host=host,
        port=port,
        most_epsilon=most_epsilon,
        by=by,  # type: ignore[arg-type]
        k_max=k_max,
        pictures=pictures,
    )
    said = (
        f"send {sent} to every merchant; there: tradefair federate join DIR --invitation ... --merchant ID --rows ..."
    )
    tables.tell(said, {"invitation": str(sent), "server": f"{host}:{port}"}, as_json)


@app.command(short_help="At a merchant's host: make its folder and keys.")
def join(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder.")],
    invitation: Annotated[Path, typer.Option("--invitation", help="Folder that the server's owner sent.")],
    merchant: Annotated[str, typer.Option("--merchant", help="This merchant's id.")],
    rows: Annotated[Path, typer.Option("--rows", help="This merchant's transactions.csv or .parquet.")],
    most_epsilon: Annotated[
        float | None, typer.Option("--most-epsilon", help="What this merchant allows to one run.")
    ] = None,
    pictures: Pictures = None,
    as_json: Json = False,
) -> None:
    """Make keys that nobody else sees; two public files go back to the server's owner."""
    from apps.command import tables
    from federation.engines.deploy import keys
    from federation.engines.deploy.invitation import join as make

    party = make(folder, invitation, merchant=merchant, rows=rows, most_epsilon=most_epsilon, pictures=pictures)
    send = [str(party.folder / one) for one in (keys.NODE_PUBLIC, keys.IDENTITY_PUBLIC)]
    said = (
        f"send {send[0]} and {send[1]} to the server's owner, who sends {party.folder / 'roster.txt'} back; then: "
        f"tradefair federate up {folder}"
    )
    tables.tell(said, {"folder": str(party.folder), "send": send}, as_json)


@app.command(short_help="At the server's host: take a merchant's public keys in.")
def admit(
    server: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the federation or its server.")],
    merchant: Annotated[str, typer.Option("--merchant", help="The merchant's id.")],
    sent: Annotated[Path, typer.Option("--sent", help="Folder with its node.pub and identity.pub.")],
    as_json: Json = False,
) -> None:
    """Take a merchant's public keys in; with the last one the list of identities is made, for all merchants."""
    from apps.command import tables
    from federation.engines.deploy.drive import server_of
    from federation.engines.deploy.invitation import admit as take
    from federation.engines.deploy.party import ROSTER

    party = server_of(server)
    missing = [str(one) for one in take(party, merchant, sent)]
    said = (
        f"keys of {', '.join(missing)} are missing"
        if missing
        else f"all keys are here; send {party.folder / ROSTER} to every merchant, who compare it among themselves"
    )
    tables.tell(f"merchant {merchant} is admitted; {said}", {"merchant": merchant, "missing": missing}, as_json)


@app.command(short_help="Start the federation here, or one party from its folder.")
def up(
    place: Place,
    bind: Annotated[str, typer.Option("--bind", help="Address that a server alone listens on.")] = "127.0.0.1",
    as_json: Json = False,
) -> None:
    """Start all parties of a federation's folder and wait until they are connected; of a party's folder, that one."""
    from apps.command import tables
    from federation.engines.deploy import launch
    from federation.engines.deploy.site import Site

    party = _party(place)
    if party is None:
        site = Site.read(place)
        site.up(progress=_progress)
        row = {"server": site.server.server, "nodes": len(site.merchants)}
        tables.tell(f"up at {site.server.server}; to train: tradefair federate run {place} SCENARIO", row, as_json)
        return
    running = launch.start_server(party, bind=bind) if party.merchant is None else launch.start_node(party)
    tables.tell(f"{party.name}: started, process {running.pid}", {"name": party.name, "pid": running.pid}, as_json)


@app.command(short_help="Train one arm of a scenario on a federation that is up.")
def run(
    place: Place,
    scenario: Annotated[str, typer.Argument(help="TOML file or bundled name.")],
    arm: Annotated[str | None, typer.Option("--arm", help="Name of a private federated arm.")] = None,
    overrides: Set = None,
    run_id: Annotated[str | None, typer.Option("--run-id", help="By which the ledger knows it.")] = None,
    as_json: Json = False,
) -> None:
    """Train at the server's host. The model stays in the server's folder; nothing is measured on anybody's rows.

    The same command again goes on with an interrupted run and never pays twice for a round.
    """
    from apps.command import tables
    from experiments.deployed import deployed_config, report_row
    from experiments.scenario_file import load_scenario
    from federation.engines.deploy.drive import server_of
    from federation.engines.deploy.party import RESULTS
    from federation.run import run as train

    config = deployed_config(load_scenario(scenario, overrides or ()), arm=arm, run_id=run_id)
    result = train(config, engine="deploy", place=place, progress=_progress)
    row = report_row(result, run_id=config.run_id)
    tables.tell(
        f"trained: epsilon {row['epsilon']:.4g} of this run, {row['epsilon_total']:.4g} of all runs on these people, "
        f"{row['rounds']} rounds, {row['dropped_replies']} answers missing\n"
        f"model and report: the newest folder in {server_of(place).folder / RESULTS}",
        row,
        as_json,
    )


@app.command(short_help="Show what runs here and who is connected.")
def status(place: Place, as_json: Json = False) -> None:
    """Show which parties run on this machine, what merchants gave, and at the server how many nodes are connected."""
    from apps.command import tables
    from federation.engines.deploy import launch
    from federation.engines.deploy.book import summed_up
    from federation.engines.deploy.party import BOOKS
    from federation.engines.deploy.site import Site

    party = _party(place)
    parties = [party] if party is not None else [(site := Site.read(place)).server, *site.merchants]
    running = {one.name: launch.Running.read(one.folder) for one in parties}
    rows: list[dict[str, Any]] = [
        {"name": name, "running": one is not None and one.alive, "pid": None if one is None else one.pid}
        for name, one in running.items()
    ]
    lines = [
        f"{row['name']}: {'runs, process ' + str(row['pid']) if row['running'] else 'does not run'}" for row in rows
    ]
    for one, row in zip(parties, rows, strict=True):
        if one.merchant is not None:
            row["given"] = given = summed_up(one.folder / BOOKS)
            lines += [f"{one.name} gave epsilon {spent:.4g} on {of} so far" for of, (_, spent) in given.items()]
    if parties[0].merchant is None and rows[0]["running"]:
        online = launch.control_of(parties[0]).online()
        rows[0]["nodes_connected"] = online
        lines.append(f"{online} of {len(parties[0].members)} nodes are connected")
    tables.tell("\n".join(lines), rows, as_json)


@app.command(short_help="End the federation here, or one party.")
def down(place: Place, as_json: Json = False) -> None:
    """End every process that was started from a folder, also what is left of one that was killed."""
    from apps.command import tables
    from federation.engines.deploy import launch
    from federation.engines.deploy.site import Site

    party = _party(place)
    ended = Site.read(place).down() if party is None else [party.name] * launch.stop(party.folder)
    tables.tell(f"ended: {', '.join(ended) or 'nothing ran'}", [{"name": one} for one in ended], as_json)


def _party(place: Path) -> Any:
    """Return the party whose folder this is; None where it may be a federation's."""
    from federation.engines.deploy.party import FILE, Party

    return Party.read(place.resolve()) if (place / FILE).is_file() else None


def _source(data: Path, population: int, start: dt.datetime, end: dt.datetime) -> Any:
    from retail.datasource import DataSource

    return DataSource(
        source="folder", path=str(data), timezone="UTC", population=population, start=start.date(), end=end.date()
    )


def _ids(text: str | None) -> list[int | str] | None:
    if text is None:
        return None
    return [int(one) if one.strip().isdigit() else one.strip() for one in text.split(",")]


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
