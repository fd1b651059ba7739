"""Setting a printer right, and the page of refresher records (domain.md §4, D4)."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from service.errors import InvalidInput
from service.models.db.session import session
from service.models.tables.certificates.print_batch import PrintBatch
from service.workflow.certificates import printer_calibration
from tests.builders.stage import known
from tests.builders.world import authority_user, make_certificate, make_person, make_photo, make_unit, sign_in


@pytest.mark.parametrize(("typed", "meant"), [("1.2", 12), ("-0.5", -5), ("−3", -30), ("", 0), ("20", 200)])
def test_a_measured_shift_is_read_in_tenths(typed: str, meant: int) -> None:
    assert printer_calibration.parse_shift({"x": typed, "y": "0"}) == (meant, 0)
    assert printer_calibration.load_shift(printer_calibration.dump_shift((meant, 0))) == (meant, 0)


@pytest.mark.parametrize("typed", ["a", "1.25", "20.1", "nan", "1e9", "1e999999999"])
def test_what_is_no_shift_is_refused_at_its_field(typed: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        printer_calibration.parse_shift({"x": "0", "y": typed})
    assert list(refused.value.fields) == ["y"]


def test_a_computer_remembers_its_printer_and_every_file_follows(client: FlaskClient, clock: Any) -> None:
    """domain.md §4: preview, single print and a file of many are laid out with the correction"""
    user = known(authority_user("association"))
    person = make_person(make_unit("enterprise", "37"))
    make_photo(person)
    held = make_certificate(person, kind="issued")
    sign_in(client, user)
    wrong = client.post("/certificates/calibration", data={"x": "99", "y": "0"})
    assert wrong.status_code == 422
    assert 'id="x-wrong"' in wrong.get_data(as_text=True)
    plain = client.get(f"/certificates/{held.id}/preview.pdf").data
    assert client.post("/certificates/calibration", data={"x": "1.5", "y": "-2"}).status_code == 302
    assert 'value="1.5"' in client.get("/certificates/calibration").get_data(as_text=True)
    assert client.get("/certificates/calibration.pdf").data.startswith(b"%PDF")
    assert client.get(f"/certificates/{held.id}/preview.pdf").data != plain
    client.post("/certificates/print", data={"certificate": str(held.id), "title": "x"})
    batch = session().query(PrintBatch).one()
    assert (batch.state, batch.shift_x, batch.shift_y) == ("done", 15, -20)
    assert sign_in(client, known(authority_user("ministry"))).get("/certificates/calibration").status_code in (403, 404)


def test_d4_the_page_of_records_is_for_a_certificate_that_has_some(client: FlaskClient, clock: Any) -> None:
    person = make_person(make_unit("enterprise", "37"))
    make_photo(person)
    held = make_certificate(person, kind="issued")
    sign_in(client, known(authority_user("association")))
    assert client.get(f"/certificates/{held.id}/records.pdf").status_code == 409
    assert "打印记录页" not in client.get(f"/certificates/{held.id}").get_data(as_text=True)
