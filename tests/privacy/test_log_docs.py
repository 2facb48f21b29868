"""What `docs/log.md` tells: its example, and its recipe for readers in another language."""

import hashlib
import json
import re
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from privacy.log.export import export_log

PAGE = (Path(__file__).parents[2] / "docs" / "log.md").read_text(encoding="utf-8")


def tree(leaves: list[bytes]) -> bytes:
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree(leaves[:half]) + tree(leaves[half:])).digest()


def test_the_example_runs_and_its_export_can_be_checked_by_the_recipe_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)
    exec(compile(example, "docs/log.md", "exec"), {})
    assert stat.S_IMODE(Path(".keys/log-key.pem").stat().st_mode) == 0o600
    export_log(Path("books.sqlite"), Path("log.jsonl"))

    first, *entries, last = Path("log.jsonl").read_bytes().splitlines()
    head = json.loads(last)["head"]
    assert (json.loads(first)["origin"], len(entries)) == (head["origin"], head["size"]) == ("north-mall/2026", 3)
    assert tree(entries).hex() == head["root_hex"]
    signed = {name: head[name] for name in ("key_hex", "origin", "root_hex", "size", "time")}
    message = b"tradefair log head 1\n" + json.dumps(signed, sort_keys=True, separators=(",", ":")).encode()
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(Path(".keys/log-key.pub").read_text().strip()))
    public.verify(bytes.fromhex(head["signature_hex"]), message)
    # Hashes are written in hexadecimal digits, and may hold any four of them by chance.
    assert not re.search(rb"(?<![0-9a-f])8812(?![0-9a-f])", Path("books.sqlite").read_bytes())
