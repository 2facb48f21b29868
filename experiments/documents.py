"""The files of a run store: JSON and small Parquet tables, each written whole or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from retail.errors import DataError
from retail.files import atomic_write


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or nothing."""

    def fill(temporary: Path) -> None:
        temporary.write_bytes(content)

    atomic_write(path, fill)


def write_json(path: Path, value: Any) -> None:
    """Write JSON (NaN and infinity become null), a whole file or nothing."""
    write_bytes(path, (json.dumps(json_ready(value), indent=1, allow_nan=False) + "\n").encode())


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a Parquet table, a whole file or nothing."""
    write: Callable[[Path], None] = lambda temporary: frame.to_parquet(temporary, index=False)  # noqa: E731
    atomic_write(path, write)


def read_table(path: Path) -> pa.Table:
    """Read a small Parquet file.

    Raises:
        DataError: there is no such file, or it is damaged.
    """
    try:
        # Not `pyarrow.parquet.read_table`, whose data set machinery costs more than these small files.
        return pq.ParquetFile(path).read()
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot read {path}: {error}; delete the run's folder and run the scenario again") from None


def read_frame(path: Path) -> pd.DataFrame:
    """Read a small Parquet file as a frame; see `read_table`."""
    frame: pd.DataFrame = read_table(path).to_pandas()
    return frame


def read_json(path: Path) -> Any:
    """Return the content of a JSON file, or None where there is none.

    Raises:
        DataError: the file is not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise DataError(f"{path}: is not JSON ({error}); delete the run's folder and run the scenario again") from None


def json_ready(value: Any) -> Any:
    """Turn numpy numbers, NaN, paths and dates into what JSON knows."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_ready(inner) for inner in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "item"):
        return json_ready(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
