"""The errors a user may meet: one root, one class for each kind of mistake.

A message says what was wrong, the value, and what to do. The command turns any of these into one line and exit
code 2; everything else is a bug and keeps its traceback.
"""

from typing import Final

RAY_IS_MISSING: Final = (
    'Ray is not installed; run `make ray` in the repository (or pip install -e ".[ray]" there), or {instead}'
)
"""Said wherever something may run on Ray. A bare name such as tradefair[ray] would be looked for in an index."""
INSTALL_FACES: Final = 'run `make faces` in the repository (or pip install -e ".[faces]" there)'
"""How what the extra `faces` brings is installed, for the end of a message."""


class TradefairError(Exception):
    """Root of every error that Tradefair raises on purpose."""


class DataError(TradefairError):
    """A table cannot be used: missing column, wrong type, unreadable file, empty table."""


class ConfigError(TradefairError):
    """A scenario, option or argument cannot be used."""


class PrivacyError(TradefairError):
    """An action would break a privacy guarantee, or its cost is no longer in the budget."""


class ConsentError(TradefairError):
    """A person has not agreed to this use, or has withdrawn."""


class PolicyError(TradefairError):
    """A policy does not permit this read, or cannot be evaluated."""
