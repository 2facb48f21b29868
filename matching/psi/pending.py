"""What the asker keeps between its question and the reply: the terms and the key, in a file that only it can read."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from matching.psi.terms import Terms
from retail.errors import PrivacyError
from retail.files import atomic_write


@dataclass(frozen=True, slots=True)
class Pending:
    """A session that waits for its reply.

    Attributes:
        terms: of the session.
        key: the asker's secret scalar. Whoever has it and the question can test guessed ids.
    """

    terms: Terms
    key: bytes = field(repr=False)

    def save(self, folder: Path) -> Path:
        """Write it, for this user alone (mode 0600), and return its file."""
        path = _path(folder, self.terms.session)

        def write(temporary: Path) -> None:
            temporary.write_text(json.dumps({"terms": asdict(self.terms), "key": self.key.hex()}), encoding="ascii")

        atomic_write(path, write, private=True)
        return path

    @classmethod
    def load(cls, folder: Path, session: str) -> Pending:
        """Read it back.

        Raises: PrivacyError: no such session waits there, or the file is damaged.
        """
        path = _path(folder, session)
        try:
            fields = json.loads(path.read_text(encoding="ascii"))
            terms, key = Terms.read(fields["terms"]), bytes.fromhex(fields["key"])
        except FileNotFoundError as error:
            raise PrivacyError(
                f"no session {session} waits in {folder}: it has ended, was begun elsewhere, or the reply is of another"
            ) from error
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PrivacyError(f"{path} is damaged; delete it and start a new session") from error
        if terms.session != session or len(key) != 32:
            raise PrivacyError(f"{path} is damaged; delete it and start a new session")
        return cls(terms, key)

    @staticmethod
    def forget(folder: Path, session: str) -> None:
        """Delete the key."""
        _path(folder, session).unlink(missing_ok=True)


def _path(folder: Path, session: str) -> Path:
    return folder / f"psi-{session}.json"
