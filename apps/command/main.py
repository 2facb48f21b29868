"""Entry point of the command: puts the sub-commands together and turns errors into one line and an exit code."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Final

import click
import typer
import typer.core
import typer.main

from apps.command import (
    audit,
    consent,
    data,
    erasure,
    experiment,
    faces,
    federate,
    ledger,
    log,
    match,
    policy,
    release,
    report,
    shop,
    store,
    web,
)
from retail.errors import TradefairError

DONE: Final = 0
FAILED: Final = 1
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130

_FROM_OUTSIDE: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOTDIR, errno.EISDIR}
)

typer.core.HAS_RICH = False  # rich doubles the time of --help, and escapes brackets in plain help

app = typer.Typer(
    name="tradefair",
    help="Try a retail data partnership before anybody signs it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("demo", short_help="Run the bundled demo: 99 stores learn together.")(experiment.demo)
app.command("run", short_help="Run a scenario, or resume it.")(experiment.run)
app.add_typer(store.app, name="runs")
app.add_typer(shop.app, name="store")
app.add_typer(data.app, name="data")
app.add_typer(policy.app, name="policy")
app.add_typer(consent.app, name="consent")
app.add_typer(erasure.app, name="erasure")
app.add_typer(faces.app, name="faces")
app.add_typer(federate.app, name="federate")
app.add_typer(release.app, name="release")
app.add_typer(match.app, name="match")
app.add_typer(ledger.app, name="ledger")
app.add_typer(log.app, name="log")
app.command("audit", short_help="Find what should not have been read, or attack a run.")(audit.audit)
app.command("report", short_help="Write a compliance report of a scenario or a run.")(report.report)
app.command("app", short_help="Open a run store in the browser.")(web.serve)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version as installed

        typer.echo(f"tradefair {installed('tradefair')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_version)
    ] = False,
) -> None:
    """Hold the options of the command as a whole."""


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit code; what a user did wrong becomes one line on standard error."""
    try:
        # Not the command's own `main`, which ends silently at Ctrl-C.
        with _command().make_context("tradefair", list(arguments)) as context:
            context.command.invoke(context)
        return DONE
    except click.exceptions.Exit as end:
        return end.exit_code
    except TradefairError as error:
        return _refuse(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        typer.echo(error.format_message())
        return BAD_INPUT
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx is not None else "tradefair"
        return _refuse(f"{error.format_message()} See `{command} --help`.")
    except click.ClickException as error:
        return _refuse(error.format_message())
    except (KeyboardInterrupt, click.Abort):
        typer.echo("interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output is gone, as with `| head`; keep Python from complaining once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        if error.errno not in _FROM_OUTSIDE:
            raise
        place = error.filename or "a file"
        return _refuse(f"cannot use {place}: {error.strerror}; check permissions and free space, or name another place")


@lru_cache(maxsize=1)
def _command() -> click.Command:
    """Put the command together, once in a process: that takes longer than most sub-commands."""
    return typer.main.get_command(app)


def run() -> None:
    """Run the command on the arguments of this process and exit."""
    sys.exit(main(sys.argv[1:]))


def _refuse(message: str) -> int:
    typer.echo(f"error: {message}", err=True)
    return BAD_INPUT


if __name__ == "__main__":
    run()
