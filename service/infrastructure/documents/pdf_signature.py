"""The association's signature under a PDF: PAdES B-T by pyHanko, with a key in a file or on a PKCS#11 token.

The demonstration makes a key and a time-stamping authority of its own; their certificates say that they have no legal
effect. Every certificate that has signed is kept, so that what it signed is known as ours after the key has changed.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from service.config import InvalidSetting, make_secret, settings
from service.infrastructure.decoder_pool import decode

FIELD = "Signature"
DEMONSTRATION = "安培演示签章，无法律效力 / Anpei demonstration, no legal effect"
VALID_DAYS = 3650  # of the demonstration's certificates
KEY_BITS = 3072


def sign(content: bytes, contact: str) -> bytes:
    """Sign a PDF whole. contact: the address under which the signer answers for it; it is part of what is signed."""
    # pyHanko takes seconds to import, which programs that sign nothing need not pay
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    signer, stamper = _signer()
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD, md_algorithm="sha256", contact_info=contact, subfilter=fields.SigSeedSubFilter.PADES
    )
    out = signers.PdfSigner(metadata, signer=signer, timestamper=stamper).sign_pdf(
        IncrementalPdfFileWriter(io.BytesIO(_without_information(content)))
    )
    return bytes(out.getvalue())


def _without_information(content: bytes) -> bytes:
    """Leave the metadata to XMP alone: pyHanko writes its name into both, in words that differ, which PDF/A forbids."""
    import pikepdf

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(content)) as document:
        del document.trailer["/Info"]
        document.save(out, deterministic_id=True, linearize=False)
    return out.getvalue()


def examine(content: bytes) -> tuple[str, str]:
    """Tell of a foreign file if it is ours: ``ours`` with its contact, ``altered``, ``foreign`` or ``unsigned``.

    Raises DecoderError.
    """
    if not any(_folder().glob("*.crt")):
        _signer()
    known = [path.read_bytes().hex() for path in sorted(_folder().glob("*.crt"))]
    said, _ = decode("signature", content, certificates=known)
    return said[0], said[1] if len(said) > 1 else ""


@cache
def _signer() -> tuple[Any, Any]:
    """The signer and the time stamper of the settings; the certificate is kept among ours."""
    from pyhanko.sign import timestamps

    chosen = settings().signing
    if chosen.token:
        signer = _token_signer(chosen.token, chosen.pin)
    elif chosen.key is not None:
        signer = _file_signer(chosen.key.read_bytes(), str(chosen.key))
    else:
        signer = _file_signer(_demonstration("key").read_bytes(), "signing/demonstration-key.pem")
    if chosen.timestamps:
        stamper: Any = timestamps.HTTPTimeStamper(chosen.timestamps)
    else:
        authority = _file_signer(_demonstration("time").read_bytes(), "signing/demonstration-time.pem")
        stamper = timestamps.DummyTimeStamper(authority.signing_cert, authority.signing_key)
    certificate = signer.signing_cert
    kept = _folder() / f"{certificate.sha256.hex()[:32]}.crt"
    if not kept.exists():
        kept.write_bytes(certificate.dump())
    return signer, stamper


def _file_signer(pem: bytes, name: str) -> Any:
    from asn1crypto import keys, x509
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )
    from cryptography.x509 import load_pem_x509_certificates
    from pyhanko.sign import signers
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    try:
        key = load_pem_private_key(pem, None)
        own, *chain = [x509.Certificate.load(one.public_bytes(Encoding.DER)) for one in load_pem_x509_certificates(pem)]
    except (ValueError, TypeError) as error:
        raise InvalidSetting(
            f"{name}: {error}; it must hold a private key without password, then its certificates"
        ) from error
    store: Any = SimpleCertificateStore
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return signers.SimpleSigner(own, keys.PrivateKeyInfo.load(plain), store.from_certs([own, *chain]))


def _token_signer(token: str, pin: str) -> Any:
    from pyhanko.config.pkcs11 import TokenCriteria
    from pyhanko.sign import pkcs11

    module, label, key = token.split(";")
    session = pkcs11.open_pkcs11_session(module, token_criteria=TokenCriteria(label=label), user_pin=pin)
    return pkcs11.PKCS11Signer(session, key_label=key, cert_label=key)


def _folder() -> Path:
    folder = settings().data_dir / "signing"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _demonstration(purpose: str) -> Path:
    """The PEM of a key of the demonstration with its certificate, made once. purpose: ``key`` or ``time``."""
    return make_secret(_folder() / f"demonstration-{purpose}.pem", lambda: _new_key(is_for_time=purpose == "time"))


def _new_key(*, is_for_time: bool) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = rsa.generate_private_key(65537, KEY_BITS)
    common = "Anpei demonstration" + " (time)" * is_for_time
    said = {NameOID.COMMON_NAME: common, NameOID.ORGANIZATION_NAME: DEMONSTRATION}
    name = x509.Name([x509.NameAttribute(kind, text) for kind, text in said.items()])
    begin = datetime.now(UTC) - timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=VALID_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_for_time=is_for_time), critical=True)
    )
    if is_for_time:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    certificate = builder.sign(key, hashes.SHA256())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return (pem + certificate.public_bytes(Encoding.PEM)).decode().strip()


def _usage(*, is_for_time: bool) -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=not is_for_time,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
