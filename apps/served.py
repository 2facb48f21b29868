"""The server of the app: Streamlit's own, with a thread that loads ahead what pages need; `tradefair app` starts it."""

from __future__ import annotations

import os
from typing import Final

COLD_VARIABLE: Final = "TRADEFAIR_COLD"
"""Set to 1, nothing is loaded ahead: for many short-lived servers, such as those of tests."""


def main() -> None:
    """Serve, with the arguments of `streamlit run`."""
    from streamlit.web import cli

    from apps import warm

    if os.environ.get(COLD_VARIABLE) != "1":
        warm.begin()
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
