"""Certificates of a federation's own authority, and the keys by which nodes are known."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from federation.secagg.keys import new_identity, public_identity
from retail.errors import ConfigError, DataError

CA: Final = "ca.pem"
CA_KEY: Final = "ca.key"
SERVER_CERTIFICATE: Final = "server.pem"
SERVER_KEY: Final = "server.key"
NODE_KEY: Final = "node.key"
NODE_PUBLIC: Final = "node.pub"
IDENTITY: Final = "identity.key"
IDENTITY_PUBLIC: Final = "identity.pub"
_VALID_DAYS: Final = 365


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner may open.

    Raises: DataError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
    except OSError as error:
        raise DataError(f"cannot make {path} ({error.strerror}); choose another place") from error
    return path


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only its owner may read, never readable by others in between.

    Raises: DataError: it is there already, or cannot be written.
    """
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
    except OSError as error:
        raise DataError(f"cannot write {path} ({error.strerror}); keys are never replaced, use a new folder") from error


def make_authority(folder: Path) -> None:
    """Make the federation's own authority: its key stays in `folder`, its certificate goes to every party."""
    key, name = ec.generate_private_key(ec.SECP384R1()), _name("Tradefair federation")
    certificate = _certificate(name, key.public_key(), issuer=name, signer=key, authority=True)
    write_private(folder / CA_KEY, _pem(key))
    (folder / CA).write_bytes(certificate.public_bytes(form.Encoding.PEM))


def certify_server(authority: Path, folder: Path, *, hosts: Sequence[str]) -> None:
    """Make the server's key and a certificate of the authority for it.

    Args:
        authority: folder of `make_authority`.
        folder: the server's.
        hosts: names and addresses under which nodes reach the server.

    Raises: ConfigError: a name is none.
    """
    signer = form.load_pem_private_key((authority / CA_KEY).read_bytes(), password=None)
    issuer = x509.load_pem_x509_certificate((authority / CA).read_bytes())
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP384R1())
    certificate = _certificate(
        _name("Tradefair server"), key.public_key(), issuer=issuer.subject, signer=signer, hosts=hosts
    )
    write_private(folder / SERVER_KEY, _pem(key))
    (folder / SERVER_CERTIFICATE).write_bytes(certificate.public_bytes(form.Encoding.PEM))
    (folder / CA).write_bytes((authority / CA).read_bytes())


def make_node_keys(folder: Path) -> None:
    """Make the two keys of a node: one that the server knows it by, one that other nodes know it by."""
    key, identity = ec.generate_private_key(ec.SECP384R1()), new_identity()
    write_private(folder / NODE_KEY, key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, _PLAIN))
    write_private(folder / IDENTITY, identity.hex().encode())
    public = key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    (folder / NODE_PUBLIC).write_bytes(public + b"\n")
    (folder / IDENTITY_PUBLIC).write_text(public_identity(identity).hex() + "\n", encoding="ascii")


def read_identity(folder: Path) -> str:
    """Return a node's secret identity in hexadecimal.

    Raises: ConfigError: there is none, or others may read it.
    """
    path = folder / IDENTITY
    try:
        if path.stat().st_mode & 0o077:
            raise ConfigError(f"{path} can be read by others; chmod 600 it, and make new keys if somebody may have")
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} holds no identity key; make one with `tradefair federate join`") from error


_PLAIN: Final = form.NoEncryption()


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.TraditionalOpenSSL, _PLAIN)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    name: x509.Name,
    public: ec.EllipticCurvePublicKey,
    *,
    issuer: x509.Name,
    signer: ec.EllipticCurvePrivateKey,
    authority: bool = False,
    hosts: Sequence[str] = (),
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=_VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
    )
    if hosts:
        builder = builder.add_extension(x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False)
    return builder.sign(signer, hashes.SHA384())


def _host(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        pass
    try:
        return x509.DNSName(text)
    except ValueError as error:
        raise ConfigError(f"{text!r} is no name or address of a host") from error
