"""The face of a certificate: the facts that are printed, and the file of one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from service.domain.certificates.certificates import NO_APPROVED_PHOTO
from service.domain.certificates.faces import FaceLanguage, FaceStyle
from service.domain.persons.identity import Sex
from service.domain.values.calendar import write_date, write_date_in_english
from service.errors import N_, Conflict
from service.infrastructure.documents import pdf
from service.infrastructure.translation import in_english
from service.models.db.session import session
from service.models.queries.certificates import certificate_list
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Photo
from service.models.tables.units.organisation import Organisation, authority_id
from service.workflow.certificates.printer_calibration import Shift, shift_to_css

MAX_REFRESHER_ROWS = 7  # of the refresher table on the face
TITLE = "安全资格证书"  # of the file: nothing of its holder stands in the metadata
TEMPLATE, STYLE = "certificates/certificate.html", "certificates/certificate.css"


def faces_of(
    found: Iterable[Certificate], address: str, shift: Shift = (0, 0), style: FaceStyle | None = None
) -> list[dict[str, Any]]:
    """Collect the values of each face, for a file of many."""
    return [face_of(certificate, address, "", shift, style) for certificate in found]


def face_of(
    certificate: Certificate, address: str, mark: str, shift: Shift = (0, 0), style: FaceStyle | None = None
) -> dict[str, Any]:
    """Collect the values of the face,
    in Chinese whatever the language of the screen: a certificate is a Chinese document; English may stand beside it.

    address: where the QR code leads, ``{}`` standing for the token. Raises Conflict without an approved photo.
    """
    chosen = style or FaceStyle()
    person = certificate.person
    photo = session().get(Photo, person.photo_id) if person.has_approved_photo else None
    if photo is None:
        raise Conflict(NO_APPROVED_PHOTO)
    issuer = session().get_one(Organisation, authority_id("ministry"))
    dates = {name: getattr(certificate, name) for name in ("first_issued_on", "issued_on", "valid_to")}
    return {
        "layout": str(chosen.layout),
        "english": _english(certificate, issuer, dates) if chosen.language is FaceLanguage.BILINGUAL else None,
        "name": person.name,
        "sex": Sex(person.sex).label,
        "id_number": person.id_number,
        "unit_name": certificate.unit_name,
        "qualification_type": certificate.qualification_type.name,
        "number": certificate.number,
        **{name: write_date(day) for name, day in dates.items()},
        "photo": pdf.picture(photo.jpeg),
        "qr": pdf.qr_code(address.format(certificate.verify_token)),
        "issuer": issuer.name,
        "edition": certificate.edition,
        "mark": mark,
        "records": records_of(certificate)[-MAX_REFRESHER_ROWS:],
        "records_only": False,
        "shift": shift_to_css(shift),
    }


def records_of(certificate: Certificate) -> list[dict[str, Any]]:
    """Collect the refreshers that are written on the face, the oldest first."""
    return [
        {
            "year": row.year,
            "completed_on": write_date(row.completed_on),
            "class_title": row.class_title,
            "hours": row.hours,
            "result": N_("合格"),
        }
        for row in certificate_list.refreshers_of(certificate.number)
    ]


def file_of(face: dict[str, Any]) -> bytes:
    """Lay one face out as a file."""
    html = pdf.render(TEMPLATE, {"title": TITLE, "faces": [face]})
    return pdf.print_pdf(html, style=STYLE)


def _english(certificate: Certificate, issuer: Organisation, dates: dict[str, date]) -> dict[str, str]:
    """Collect what stands in English beside the Chinese; names of persons and units stay as they are."""
    words = {
        "sex": Sex(certificate.person.sex).label,
        "type": certificate.qualification_type.name,
        "issuer": issuer.name,
    }
    return in_english(words) | {name: write_date_in_english(day) for name, day in dates.items()}
