"""The books: one SQLite file that holds a budget ledger, stored answers and the log of what happened.

They share a file so that they can share a transaction: a release is committed, its answer stored and its log entry
written all at once, or none of it. Each part makes its own tables in the file when it is first opened there.
"""

from __future__ import annotations

from typing import Final

from privacy.sqlite_file import FileKind, SqliteFile

BOOKS: Final = FileKind(
    what="ledger or log",
    application_id=0x54464C47,  # "TFLG" in the file's header tells the books from other SQLite files
    version=2,
    upgrades=(1,),  # version 1 held the ledger alone
)


class Books(SqliteFile):
    """The file itself; make it with `Books.open(path)`.

        books = Books.open("ledger.sqlite")
        with books.transaction() as connection:      # "DEFERRED" to read
            ...                                      # all of it is kept, or none

    Holds no ids of persons, only commitments (`privacy.commitments`), so that a copy may be handed to an auditor.
    """

    kind = BOOKS
