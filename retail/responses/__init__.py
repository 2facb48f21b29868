"""Who was advertised to and who responded: one row for each person, with features that a merchant knows.

Enters: a table of persons with their merchant, features, whether they were advertised to, and whether they responded.
Leaves: a `ResponseSource`, a description that every party of a federation can open.

    from pathlib import Path
    from retail.responses import ResponseSource, Responses

    table = Responses(persons, merchants, features, names=("spend", "visits"), advertised=sent, responded=bought)
    source = ResponseSource.of(table, Path("trial.parquet"), listed=(1, 2, 3), population=20_000, name="spring trial")
"""

from retail.responses.source import ResponseSource
from retail.responses.table import Responses, require_both

__all__ = ["ResponseSource", "Responses", "require_both"]
