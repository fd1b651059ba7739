"""The electronic certificate: who may have it, its signature read by another program, and the public check of files."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from uuid import UUID

import pikepdf
import pytest
from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from flask.testing import FlaskClient
from pyhanko.sign.timestamps import DummyTimeStamper
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import stream_encode_multipart

from service.config import Signing, settings
from service.infrastructure.documents import pdf, pdf_signature
from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.system.audit import AuditEvent
from service.workflow.certificates import faces
from tests.builders.faces import ENGLISH, face
from tests.builders.world import (
    authority_user,
    make_certificate,
    make_person,
    make_photo,
    make_unit,
    make_user,
    sign_in,
)

CONTACT = "https://example.org/verify/" + 24 * "x"
OPENSSL = shutil.which("openssl")
SOFTHSM, TOKEN_MODULE = shutil.which("softhsm2-util"), Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture(scope="module")
def plain() -> bytes:
    html = pdf.render(faces.TEMPLATE, {"title": faces.TITLE, "faces": [face(english=ENGLISH)]})
    return pdf.print_pdf(html, style=faces.STYLE)


@pytest.fixture
def signed(app: Any, plain: bytes) -> bytes:
    return pdf_signature.sign(plain, CONTACT)


@pytest.fixture
def held(app: Any, clock: Any) -> Certificate:
    person = make_person(make_unit())
    make_photo(person)
    return make_certificate(person)


def test_r57_the_signature_is_verified_by_another_program(signed: bytes, tmp_path: Path) -> None:
    """Issue 9 (documents): PAdES B-T, over the whole file; read here by openssl"""
    cms_file, content = _signature(signed)
    stamped = cms.ContentInfo.load(cms_file)["content"]["signer_infos"][0]["unsigned_attrs"]
    assert "signature_time_stamp_token" in [one["type"].native for one in stamped]  # B-T: an authority says when
    (tmp_path / "signature.der").write_bytes(cms_file)
    (tmp_path / "content").write_bytes(content)
    (tmp_path / "own.pem").write_bytes(_own_certificate().public_bytes(serialization.Encoding.PEM))
    assert _verify(tmp_path) == 0
    (tmp_path / "content").write_bytes(content[:-1] + b" ")
    assert _verify(tmp_path) != 0
    with pikepdf.open(io.BytesIO(signed)) as document:
        assert document.Root.AcroForm.Fields[0].V.SubFilter == "/ETSI.CAdES.detached"


class _Authority(BaseHTTPRequestHandler):
    """A time-stamping authority (RFC 3161) on this machine."""

    stamper: Any = None
    asked: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        request = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(request["message_imprint"]["hashed_message"].native)
        answer = self.stamper.request_tsa_response(request).dump()
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def authority(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Authority]]:
    """A key of the association's own in a file, and an authority that is asked over HTTP."""
    (tmp_path / "own.pem").write_text(pdf_signature._new_key(is_for_time=False))
    (tmp_path / "own.pem").chmod(0o600)
    time = pdf_signature._file_signer(pdf_signature._new_key(is_for_time=True).encode(), "time")
    handler = type(
        "Authority", (_Authority,), {"asked": [], "stamper": DummyTimeStamper(time.signing_cert, time.signing_key)}
    )
    server = HTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    signing = Signing(key=tmp_path / "own.pem", timestamps=address)
    monkeypatch.setattr(pdf_signature, "settings", lambda: replace(settings(), signing=signing))
    pdf_signature._signer.cache_clear()
    yield handler
    pdf_signature._signer.cache_clear()
    server.shutdown()
    server.server_close()


def test_r57_the_time_stamp_is_that_of_the_authority_which_is_asked_over_http(
    plain: bytes, authority: type[_Authority]
) -> None:
    """Issue 9 (documents): PAdES B-T: the stamp is over the value of the signature"""
    signed = pdf_signature.sign(plain, CONTACT)
    info = cms.ContentInfo.load(_signature(signed)[0])["content"]["signer_infos"][0]
    [token] = [one["values"][0] for one in info["unsigned_attrs"] if one["type"].native == "signature_time_stamp_token"]
    stamped = token["content"]["encap_content_info"]["content"].parsed
    digest = hashlib.sha256(info["signature"].native).digest()
    assert stamped["message_imprint"]["hashed_message"].native == digest == authority.asked[-1]
    named = token["content"]["certificates"][0].chosen.subject.native["common_name"]
    assert named == authority.stamper.tsa_cert.subject.native["common_name"]
    assert pdf_signature.examine(signed) == ("ours", CONTACT)


@pytest.fixture
def token(app: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[x509.Certificate]:
    """A key on a PKCS#11 token of SoftHSM2; its certificate."""
    import pkcs11
    from pkcs11.util.rsa import decode_rsa_private_key
    from pkcs11.util.x509 import decode_x509_certificate

    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path}/tokens\nobjectstore.backend = file\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    making = [SOFTHSM, "--init-token", "--free", "--label", "anpei", "--pin", "1234", "--so-pin", "5678"]
    subprocess.run(making, check=True, capture_output=True)
    pem = pdf_signature._new_key(is_for_time=False).encode()
    key, own = serialization.load_pem_private_key(pem, None), x509.load_pem_x509_certificates(pem)[0]
    plain = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    whole = own.public_bytes(serialization.Encoding.DER)
    common = {pkcs11.Attribute.LABEL: "seal", pkcs11.Attribute.ID: b"1", pkcs11.Attribute.TOKEN: True}
    with pkcs11.lib(str(TOKEN_MODULE)).get_token(token_label="anpei").open(rw=True, user_pin="1234") as opened:
        sealed = {pkcs11.Attribute.PRIVATE: True, pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.SIGN: True}
        opened.create_object({**decode_rsa_private_key(plain), **common, **sealed})
        opened.create_object({**decode_x509_certificate(whole), **common})
    signing = Signing(token=f"{TOKEN_MODULE};anpei;seal", pin="1234")
    monkeypatch.setattr(pdf_signature, "settings", lambda: replace(settings(), signing=signing))
    pdf_signature._signer.cache_clear()
    yield own
    pdf_signature._signer.cache_clear()


@pytest.mark.skipif(SOFTHSM is None or not TOKEN_MODULE.exists(), reason="SoftHSM2 is not installed")
def test_r57_a_key_that_never_leaves_its_token_signs(plain: bytes, token: x509.Certificate, tmp_path: Path) -> None:
    """Issue 9 (documents): PKCS#11 by setting; verified by openssl with the certificate of the token"""
    signed = [pdf_signature.sign(plain, CONTACT) for _ in range(2)]
    assert [pdf_signature.examine(one) for one in signed] == [("ours", CONTACT)] * 2
    cms_file, content = _signature(signed[0])
    (tmp_path / "signature.der").write_bytes(cms_file)
    (tmp_path / "content").write_bytes(content)
    (tmp_path / "own.pem").write_bytes(token.public_bytes(serialization.Encoding.PEM))
    assert _verify(tmp_path) == 0


def test_the_key_of_the_demonstration_is_its_owners_alone_and_says_what_it_is(signed: bytes) -> None:
    files = {path.name: path.stat().st_mode & 0o777 for path in (settings().data_dir / "signing").glob("*.pem")}
    assert set(files.values()) == {0o600}
    assert "无法律效力" in _own_certificate().subject.rfc4514_string()


def test_the_file_is_tagged_pdf_a_3_and_tells_nothing_of_its_holder(signed: bytes) -> None:
    """Issue 9 (documents): fonts embedded as subsets, no name and no number in the metadata"""
    with pikepdf.open(io.BytesIO(signed)) as document:
        said = document.Root.Metadata.read_bytes().decode()
        assert 'pdfaid:part="3"' in said
        assert 'pdfaid:conformance="A"' in said
        assert document.Root.MarkInfo.Marked
        assert "/K" in document.Root.StructTreeRoot
        facts = face()
        for text in (said, str(dict(document.docinfo))):
            assert not [facts[key] for key in ("name", "number", "id_number", "unit_name") if facts[key] in text]
        assert not ({"/Author", "/Subject", "/Keywords"} & set(document.docinfo))
        pictures = [
            one for one in document.objects if isinstance(one, pikepdf.Stream) and one.get("/Subtype") == "/Image"
        ]
        assert pictures
        assert not [one for one in pictures if one.get("/Interpolate", False)]  # ISO 19005-3, 6.2.8
        fonts = [one for one in document.objects if isinstance(one, pikepdf.Dictionary) and "/FontDescriptor" in one]
        assert fonts
        for font in fonts:
            assert re.match(r"/[A-Z]{6}\+", str(font.FontDescriptor.FontName))
            assert "/FontFile2" in font.FontDescriptor or "/FontFile3" in font.FontDescriptor


def test_the_same_facts_give_the_same_bytes_but_for_the_signature(app: Any, plain: bytes) -> None:
    html = pdf.render(faces.TEMPLATE, {"title": faces.TITLE, "faces": [face(english=ENGLISH)]})
    again = pdf.print_pdf(html, style=faces.STYLE)
    assert again == plain
    first, second = (pdf_signature.sign(one, CONTACT) for one in (plain, again))
    start = first.rindex(b"%%EOF", 0, _range(first)[0])  # where the revision ends that the signature was put under
    assert first[:start] == second[:start]


def test_every_byte_that_is_changed_is_noticed(signed: bytes) -> None:
    """A byte out of each of 30 parts of what is signed and of the room left in the signature, one cut off, one added"""
    end, start = _range(signed)
    packed = end + 2 * len(_signature(signed)[0])
    for at in (*range(0, end, end // 20), *range(packed + 9, start, (start - packed) // 9), start, len(signed) - 1):
        changed = signed[:at] + bytes([signed[at] ^ 1]) + signed[at + 1 :]
        assert pdf_signature.examine(changed)[0] != "ours", at
    assert pdf_signature.examine(signed) == ("ours", CONTACT)
    assert pdf_signature.examine(signed + b"\n")[0] == "altered"
    assert pdf_signature.examine(signed[:-1])[0] == "altered"


def test_r70_those_who_see_a_certificate_may_have_it_and_each_download_is_remembered(
    client: FlaskClient, held: Certificate
) -> None:
    unit_id = _unit_of(held)
    address = f"/certificates/{held.id}/electronic"
    for user, status in (
        (make_user("enterprise", unit_id), 200),
        (authority_user(), 200),
        (authority_user("ministry"), 200),
        (authority_user("association"), 200),
        (make_user("enterprise", make_unit().id), 404),
        (authority_user(code="42"), 404),
    ):
        answer = sign_in(client, user).post(address, data={"layout": "card", "language": "bilingual"})
        assert answer.status_code == status, user.role
        client.post("/sign-out")
    actions = select(AuditEvent).where(AuditEvent.action == "download_certificate", AuditEvent.object_id == held.id)
    assert len(session().scalars(actions).all()) == 4


@pytest.mark.parametrize("state", ["issued", "superseded", "revoked", "void", "deregistered"])
def test_only_a_certificate_in_force_is_given_as_a_file(client: FlaskClient, clock: Any, state: str) -> None:
    person = make_person(make_unit())
    make_photo(person)
    found = make_certificate(person, state=state)
    answer = sign_in(client, make_user("enterprise", person.unit_id)).post(f"/certificates/{found.id}/electronic")
    assert answer.status_code == 409
    assert "批准后才能下载" in answer.get_data(as_text=True)


def test_r59_the_public_learns_of_a_file_if_it_is_ours_and_unaltered(client: FlaskClient, held: Certificate) -> None:
    """R59, R67: as the holder's unit was given it, altered, of another signer, without signature, no PDF, none at all"""
    sign_in(client, make_user("enterprise", _unit_of(held)))
    given = client.post(f"/certificates/{held.id}/electronic").data
    client.post("/sign-out")
    unsigned = given[: given.index(b"%%EOF") + 6]
    foreign = given.replace(_signature(given)[0].hex().upper().encode(), b"30" * len(_signature(given)[0]))
    for content, status, said, in_english in (
        (given, 200, ["签发后没有改动", held.number, "有效"], ["not been altered since", held.number, "Valid"]),
        (given + b" ", 200, ["签发后被改动过"], ["has been altered since it was issued"]),
        (foreign, 200, ["签名不是发证机关的"], ["the signature is not the issuer"]),
        (unsigned, 200, ["没有电子签名"], ["no electronic signature"]),
        (b"hello", 200, ["没有电子签名"], ["no electronic signature"]),
        (b"", 422, ["请选择电子证书文件"], ["Choose the file of the electronic certificate"]),
        (b"%PDF" + bytes(4 << 20), 422, ["文件超过 4 MB"], ["4 MB"]),
    ):
        for language, expected in (("zh", said), ("en", in_english)):
            client.post("/language", data={"language": language})
            form = {"file": FileStorage(io.BytesIO(content), "证书.pdf")}
            body, _, boundary = stream_encode_multipart(form, use_tempfile=False)  # the client leaves its file open
            answer = client.post(
                "/verify/file", data=body.read(), content_type=f'multipart/form-data; boundary="{boundary}"'
            )
            page = unescape(answer.get_data(as_text=True))
            assert answer.status_code == status, said
            assert all(words in page for words in expected), (expected, page[:3000])
            assert f'lang="{"en" if language == "en" else "zh-CN"}"' in page


def test_r67_files_count_as_questions_of_their_source(client: FlaskClient, held: Certificate) -> None:
    for _ in range(20):
        assert client.post("/verify/file", data={"file": (io.BytesIO(b"x"), "x.pdf")}).status_code == 200
    answer = client.post("/verify/file", data={"file": (io.BytesIO(b"x"), "x.pdf")})
    assert answer.status_code == 429
    assert "查询过于频繁" in answer.get_data(as_text=True)


def _unit_of(certificate: Certificate) -> UUID:
    return session().get_one(Person, certificate.person_id).unit_id


def _range(content: bytes) -> tuple[int, int]:
    match = re.findall(rb"/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]", content)[-1]
    end, start, length = map(int, match)
    assert start + length == len(content)
    return end, start


def _signature(content: bytes) -> tuple[bytes, bytes]:
    """The signature (DER) and what it is over."""
    end, start = _range(content)
    packed = bytes.fromhex(re.sub(rb"[<>\s]", b"", content[end:start]).decode())
    return cms.ContentInfo.load(packed).dump(), content[:end] + content[start:]


def _own_certificate() -> x509.Certificate:
    pem = (settings().data_dir / "signing" / "demonstration-key.pem").read_bytes()
    return x509.load_pem_x509_certificates(pem)[0]


def _verify(folder: Path) -> int:
    assert OPENSSL, "openssl is missing"
    command = [OPENSSL, "cms", "-verify", "-binary", "-inform", "DER", "-in", "signature.der", "-content", "content"]
    more = ["-CAfile", "own.pem", "-purpose", "any", "-out", "read", "-partial_chain"]
    return subprocess.run([*command, *more], cwd=folder, capture_output=True, check=False).returncode
