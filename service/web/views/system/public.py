"""The public page without an account: is this certificate valid (R59, R64, R67)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from service.domain.certificates import verification
from service.domain.certificates.certificates import Replacement, is_in_force
from service.errors import Message, TooManyAttempts
from service.models.db.clock import today
from service.models.queries.certificates import certificate_list
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.certificates.certificate import Certificate
from service.web.shell.authorization import public
from service.web.shell.form_errors import rerender_on_error
from service.web.views.accounts.session import source
from service.workflow.certificates import certificates, electronic_certificates

bp = Blueprint("public", __name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """The public answer about one edition: one word, its colour and sign, and the facts of §5.2, no more."""

    statement: Message
    colour: str
    sign: str
    name: str
    id_number: str
    unit: Message
    type_name: str
    number: str
    edition: int
    first_issued_on: date
    issued_on: date
    valid_to: date


@bp.get("/verify")
@public
def verify_form() -> ResponseReturnValue:
    return render_template("pages/public/verify.html", seen=None, is_asked=False, file=None)


@bp.post("/verify")
@public
@rerender_on_error(verify_form, TooManyAttempts)
def ask() -> ResponseReturnValue:
    """Verify by number and name; every miss is answered alike."""
    found = certificates.verify(request.form.get("number", ""), request.form.get("name", ""), source())
    return _answer(found)


@bp.post("/verify/file")
@public
@rerender_on_error(verify_form, TooManyAttempts)
def examine() -> ResponseReturnValue:
    """Say of an electronic certificate if it is ours and unaltered, and what its edition is worth today."""
    sent = request.files.get("file")
    found = electronic_certificates.examine(
        sent.read(electronic_certificates.MAX_FILE_BYTES + 1) if sent else b"", source()
    )
    return _answer(found.certificate, found)


@bp.get("/verify/<token>")
@public
def verify(token: str) -> ResponseReturnValue:
    """Verify by the QR code on the certificate."""
    return _answer(certificate_list.by_token(token))


def seen_as(certificate: Certificate) -> Seen:
    """An edition as the public sees it today. The holder and the unit are loaded."""
    person, today_ = certificate.person, today()
    is_gone = person.state == "deregistered"
    said = verification.statement(
        to_domain(certificate), today_, replaced_by=_replaced_by(certificate), holder_deregistered=is_gone
    )
    is_valid = is_in_force(to_domain(certificate), today_) and not is_gone
    colour, sign = (
        ("ok", "check") if is_valid else ("info", "half") if certificate.state == "issued" else ("bad", "stop")
    )
    return Seen(
        statement=said,
        colour=colour,
        sign=sign,
        name=person.name,
        id_number=person.id_number_masked,
        unit=verification.unit_name(person.unit.name, certificate.unit_name or person.unit.name),
        type_name=certificate.qualification_type.name,
        number=certificate.number,
        edition=certificate.edition,
        first_issued_on=certificate.first_issued_on,
        issued_on=certificate.issued_on,
        valid_to=certificate.valid_to,
    )


def _replaced_by(certificate: Certificate) -> Replacement | None:
    """The kind of edition that took its place: a renewal has its own enrolment,
    a change of type its own type, else it was reissued.
    """
    if certificate.state != "superseded":
        return None
    heir = certificate_list.successor_of(certificate.id)
    if heir is None or heir.enrollment_id != certificate.enrollment_id:
        return Replacement.RENEWAL
    changed = heir.qualification_type_id != certificate.qualification_type_id
    return Replacement.TYPE_CHANGE if changed else Replacement.REISSUE


def _answer(found: Certificate | None, file: electronic_certificates.Examined | None = None) -> ResponseReturnValue:
    seen = seen_as(found) if found else None
    page = render_template(
        "pages/public/verify.html", seen=seen, is_asked=True, not_found=verification.NOT_FOUND, file=file
    )
    return page, 200 if seen or file else 404
