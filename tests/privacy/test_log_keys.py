import stat
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from privacy.log import SignedHead, SigningKey, read_public, read_witness, verify_signature, write_witness
from privacy.log.head import sign_head
from retail.errors import PrivacyError

KEY = SigningKey.generate()
HEAD = sign_head(KEY, origin="demo/1", size=3, root=b"\x07" * 32)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / ".keys" / "log-key.pem"


def test_a_key_is_made_once_for_its_owner_only_with_its_public_half_beside(path):
    key = SigningKey.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.with_suffix(".pub").read_text() == key.public_hex + "\n"
    assert [file.name for file in sorted(path.parent.iterdir())] == ["log-key.pem", "log-key.pub"]
    again = SigningKey.load_or_create(path)
    assert again.public_hex == key.public_hex
    assert verify_signature(key.public_hex, b"text", again.sign(b"text"))


def test_a_signature_holds_for_its_message_and_key_alone():
    signature = KEY.sign(b"text")
    assert verify_signature(KEY.public_hex, b"text", signature)
    assert not verify_signature(KEY.public_hex, b"texts", signature)
    assert not verify_signature(SigningKey.generate().public_hex, b"text", signature)
    for wrong in ("", "zz", signature.upper(), signature[:-2], signature + "00", " " + signature, None, 5):
        assert not verify_signature(KEY.public_hex, b"text", wrong)
        assert not verify_signature(wrong, b"text", signature)


def test_signatures_agree_with_those_of_rfc_8032(path):
    # Section 7.1, test 2.
    public = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    signature = (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verify_signature(public, b"\x72", signature)


def test_a_key_that_others_may_read_is_refused(path):
    SigningKey.load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(PrivacyError, match="chmod 600"):
        SigningKey.load_or_create(path)


def test_a_file_that_holds_no_ed25519_key_is_refused(path):
    path.parent.mkdir()
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for content in (b"", b"not a key", other):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(PrivacyError, match=r"Ed25519|no signing key"):
            SigningKey.load(path)
    with pytest.raises(PrivacyError, match="cannot read"):
        SigningKey.load(path.with_name("none.pem"))


def test_a_public_key_of_somebody_else_beside_the_private_one_is_refused(path):
    SigningKey.load_or_create(path)
    path.with_suffix(".pub").write_text(KEY.public_hex + "\n")
    with pytest.raises(PrivacyError, match="was replaced"):
        SigningKey.load_or_create(path)


def test_processes_that_start_at_once_share_one_key(path, start_code):
    code = "import sys; from privacy.log import SigningKey; print(SigningKey.load_or_create(sys.argv[1]).public_hex)"
    processes = [start_code(code, path) for _ in range(4)]
    assert len({process.communicate()[0] for process in processes}) == 1
    assert all(process.returncode == 0 for process in processes)


def test_a_public_key_is_given_as_digits_or_as_a_file(path):
    key = SigningKey.load_or_create(path)
    assert read_public(key.public_hex) == read_public(path.with_suffix(".pub")) == key.public_hex
    for wrong in (key.public_hex.upper(), "abc", path, path.with_name("none.pub")):
        with pytest.raises(PrivacyError):
            read_public(wrong)


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "demo/2"},
        {"size": 4},
        {"root_hex": "08" * 32},
        {"time": "2020-01-01T00:00:00.000000+00:00"},
        {"key_hex": SigningKey.generate().public_hex},
        {"signature_hex": "00" * 64},
        {"signature_hex": HEAD.signature_hex.upper()},
        {"origin": "\ud800"},
    ],
)
def test_a_head_with_any_other_value_is_not_signed(change):
    assert HEAD.is_signed
    assert not replace(HEAD, **change).is_signed


def test_a_head_survives_json_and_nothing_else_is_read_as_one():
    document = HEAD.to_json()
    assert SignedHead.from_json(document) == HEAD
    for wrong in ({}, [], None, {**document, "more": 1}, {**document, "size": True}, {**document, "size": -1}):
        with pytest.raises(PrivacyError):
            SignedHead.from_json(wrong)


def test_a_witness_file_gives_back_its_head_and_every_flipped_byte_is_noticed(tmp_path):
    path = tmp_path / "witness.json"
    write_witness(path, HEAD)
    assert read_witness(path) == HEAD
    content = path.read_bytes()
    unnoticed = []
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :])
        try:
            read_witness(path)
        except PrivacyError:
            continue
        unnoticed.append(content[place : place + 1])
    assert not unnoticed


def test_a_head_with_a_bad_signature_is_not_kept(tmp_path):
    with pytest.raises(PrivacyError, match="bad signature"):
        write_witness(tmp_path / "witness.json", replace(HEAD, size=4))
    with pytest.raises(PrivacyError, match="cannot read"):
        read_witness(tmp_path / "witness.json")
