"""What answers the messages of a node: a process that has read its programs once, and forks one for each message.

Flower starts a fresh Python for each message, which reads torch anew, for seconds of a core. A fork has it all, and
no data: the process that forks never opens any. Run as `python -m federation.engines.deploy.executor`, with the
arguments of `flower-superexec`, beside a SuperNode with `--isolation process`.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from contextlib import suppress
from typing import Any, Final

from flwr.supercore.cli.flower_superexec import flower_superexec
from flwr.supercore.constant import TaskType
from flwr.supercore.superexec.executor.subprocess_executor import SubprocessExecutor
from flwr.supercore.superexec.executor.types import ExecutionSpec, LaunchResult
from flwr.supernode.cli.flwr_clientapp import flwr_clientapp

_ANSWERS: Final = "federation.engines.deploy.client"
_TASKS: Final = ("federation.recommend.task", "federation.response.task", "federation.faces.task")
_LATER: Final = ("dp_accounting", "pandera.backends.pandas.builtin_checks")
"""What those import when they are first asked; in a fork that would be at every message."""


class ForkingExecutor(SubprocessExecutor):
    """Forks this process for each message, and starts anything else as Flower does."""

    def launch(self, spec: ExecutionSpec) -> LaunchResult:
        """Start the app of a node for one message."""
        if spec.task_type != TaskType.CLIENT_APP or spec.runtime_dependency_install:
            return super().launch(spec)
        said = ["flwr-clientapp", "--runtime-api-address", spec.runtime_api_address, "--token", spec.token]
        said += ["--insecure"] if spec.insecure else ["--root-certificates", str(spec.root_certificates_path)]
        said += ["--parent-pid", str(os.getpid())]
        sys.stdout.flush()
        sys.stderr.flush()
        if os.fork() == 0:
            _answer(said)
        return LaunchResult.accepted()

    def reconcile(self) -> None:
        """Take the exit codes of forks that have ended."""
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _answer(said: list[str]) -> None:
    """Be the app's process and end with it, whatever happens; what the parent would do at its end is not done here."""
    code = 1
    try:
        _exits().clear()
        sys.argv = said
        flwr_clientapp()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _exits() -> list[Any]:
    """Return Flower's list of what is called at the end of a process."""
    found: list[Any] = importlib.import_module("flwr.supercore.exit.exit_handler").registered_exit_handlers
    return found


def main() -> None:
    """Read what answers need, then wait for messages."""
    for name in (_ANSWERS, *_TASKS, *_LATER):
        importlib.import_module(name)
    # Flower names its executors in a closed list and offers no place for another.
    flower: Any = importlib.import_module("flwr.supercore.superexec.run_superexec")
    if not callable(flower.get_executor) or not isinstance(_exits(), list):
        raise RuntimeError("this version of Flower starts apps in another way; install flwr>=1.41,<1.43")
    flower.get_executor = lambda *named, **settings: ForkingExecutor()
    flower_superexec()


if __name__ == "__main__":
    main()
