"""A certificate authority that lives as long as a sandbox serves, with good and bad certificates."""

import contextlib
import ipaddress
import ssl
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from hub.clock import SystemClock


class Certificate(StrEnum):
    """Which certificate the sandbox shows."""

    GOOD = "good"
    EXPIRED = "expired"
    WRONG_NAME = "wrong_name"


@dataclass(frozen=True, slots=True)
class Authority:
    """`ca_file` is what a client has to trust; `context` is the server's side."""

    ca_file: Path
    context: ssl.SSLContext


@contextlib.contextmanager
def authority(certificate: Certificate = Certificate.GOOD) -> Iterator[Authority]:
    """Make an authority and one certificate for 127.0.0.1 and localhost. OpenSSL looks at the machine's clock."""
    with tempfile.TemporaryDirectory(prefix="orderhub-sandbox-") as folder:
        ca, pair = Path(folder, "ca.pem"), Path(folder, "server.pem")
        ca_pem, pair_pem = _pems(certificate)
        ca.write_bytes(ca_pem)
        pair.write_bytes(pair_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair)
        yield Authority(ca, context)


def _pems(certificate: Certificate) -> tuple[bytes, bytes]:
    """(the authority's certificate, the server's key and certificate)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = SystemClock().now()
    ends = now - timedelta(days=1) if certificate is Certificate.EXPIRED else now + timedelta(days=7)
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    ca = (
        x509.CertificateBuilder(
            name("Sandbox CA"), name("Sandbox CA"), ca_key.public_key(), x509.random_serial_number()
        )
        .not_valid_before(now - timedelta(days=30))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(ca_id, critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    names: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    if certificate is Certificate.WRONG_NAME:
        names = [x509.DNSName("somebody-else.example")]
    leaf = (
        x509.CertificateBuilder(name("Sandbox CA"), name("sandbox"), key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=20))
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ca.public_bytes(pem), private + leaf.public_bytes(pem)
