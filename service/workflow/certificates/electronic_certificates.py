"""The certificate as a signed file: given to those who may see it, examined for whoever brings it (R57, R59, R67)."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy.orm import joinedload, undefer_group

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.certificates.certificates import CertificateKind, CertificateState
from service.domain.certificates.faces import FaceStyle
from service.errors import N_, Conflict, InvalidInput, NotAllowed
from service.infrastructure.decoder_pool import DecoderError, told_of_limits
from service.infrastructure.documents import pdf_signature
from service.models.db.encryption import ENCRYPTED
from service.models.db.transaction import Operation, transaction
from service.models.queries.certificates import certificate_list
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.system.audit import AuditEvent
from service.workflow.certificates import certificates, faces

MAX_FILE_BYTES = 4 << 20
NOT_YET = N_("证书经批准后才能下载电子证书。")
SENTENCES = {
    "ours": N_("这是本系统签发的电子证书，签发后没有改动。"),
    "altered": N_("这个文件带有本系统的签名，但签发后被改动过，不能作为凭证。"),
    "foreign": N_("这个文件不是本系统签发的：签名不是发证机关的。"),
    "unsigned": N_("这个文件没有电子签名，不是本系统签发的电子证书；打印件请扫码查验。"),
}


@dataclass(frozen=True, slots=True)
class Examined:
    """The verdict on a file, and the edition it shows if it is ours."""

    verdict: str
    certificate: Certificate | None = None

    @property
    def sentence(self) -> str:
        """The verdict in a sentence."""
        return SENTENCES[self.verdict]


def download(user: User, certificate_id: UUID, address: str, style: FaceStyle, source: str | None = None) -> bytes:
    """The signed file of a certificate in scope; the download is remembered, for the whole number stands on it (§5.2).

    address: where the QR code leads, ``{}`` standing for the token. Raises Conflict before the approval and for older
    certificates, which this system has not issued.
    """
    with transaction(Operation("download_certificate", user.id)) as current:
        found = _visible(user, certificate_id)
        if found.state != CertificateState.VALID or found.kind != CertificateKind.ISSUED:
            raise Conflict(NOT_YET)
        content = file_of(found, address, style)
        current.add(
            AuditEvent.by(
                user,
                "download_certificate",
                "certificate",
                found.id,
                source=source,
                detail={"number": found.number, "edition": found.edition},
            )
        )
    return content


def file_of(found: Certificate, address: str, style: FaceStyle) -> bytes:
    """The face of a certificate as a file that is signed."""
    content = faces.file_of(faces.face_of(found, address, "", style=style))
    return pdf_signature.sign(content, address.format(found.verify_token))


def examine(content: bytes, source: str) -> Examined:
    """Tell what a file is that somebody brings, and find the edition it shows.

    Every file counts as a question. Raises TooManyAttempts, and InvalidInput at ``file`` for one that cannot be read.
    """
    if not content:
        raise InvalidInput({"file": N_("请选择电子证书文件（PDF）。")})
    if len(content) > MAX_FILE_BYTES:
        raise InvalidInput({"file": N_("文件超过 4 MB，不是本系统签发的电子证书。")})
    certificates.count_question(source)
    try:
        verdict, contact = pdf_signature.examine(content)
    except DecoderError as error:
        known = error.reason in ("busy", "too_costly")
        text = told_of_limits(error) if known else N_("文件已损坏，无法读取，请重新生成后再上传。")
        raise InvalidInput({"file": text}) from error
    if verdict != "ours":
        return Examined(verdict)
    return Examined(verdict, certificate_list.by_token(urlsplit(contact).path.rpartition("/")[2]))


def _visible(user: User, certificate_id: UUID) -> Certificate:
    if not may(Role(user.role), Action.VIEW_CERTIFICATES):
        raise NotAllowed
    holder = joinedload(Certificate.person).options(joinedload(Person.unit), undefer_group(ENCRYPTED))
    return get_or_404_in_scope(user, Certificate, certificate_id, holder, joinedload(Certificate.qualification_type))
