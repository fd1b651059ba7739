"""Faces of certificates: whatever the forms allow stands on them, no field touches another, none leaves its page."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from service.infrastructure.documents import line_breaks, pdf
from service.infrastructure.documents.line_breaks import Box, fit
from tests.builders import laid_out
from tests.builders.faces import ENGLISH, face

LAYOUTS = [(layout, english) for layout in ("a4", "card") for english in (None, ENGLISH)]
UYGHUR = "阿不都热西提·艾合买提江·阿不力米提·买买提明·吐尔逊江·依明江·阿布都克里木·吐尔洪"
NAMES = {
    "shortest": "张三",
    "Uyghur to the limit": f"{UYGHUR}·依明江",
    "Han to the limit": 50 * "曾",
    "wide Latin": 50 * "W",
    "Latin words": "Wilhelmina Maximiliane Wolkenstein-Trostburg Mmmmm",
    "rare": "𠮷𡈽𪚥" * 16,
}
UNITS = {
    "shortest": "厂",
    "of the case": "新疆维吾尔自治区某某民用爆炸物品生产经营集团股份有限公司克孜勒苏柯尔克孜自治州乌恰县分公司"
    "康苏镇现场混装炸药生产作业点第一混装车间（筹备组）",
    "Han to the limit": 100 * "部",
    "wide Latin": 100 * "W",
}
TYPES = ("安全生产管理人员（销售）", 60 * "安")
RECORD = {"year": 2025, "completed_on": "2025年09月24日", "class_title": 100 * "班", "hours": 999, "result": "合格"}
SPACE = 0.05  # mm: less is rounding


@pytest.mark.parametrize(("layout", "english"), LAYOUTS, ids=["a4", "a4 bilingual", "card", "card bilingual"])
def test_r57_no_field_touches_another_and_none_leaves_its_page(layout: str, english: dict[str, str] | None) -> None:
    """Issue 9 (documents): every name × unit, with the longest of everything else; certificate-face-long is among them"""
    cases = list(itertools.product(NAMES.items(), UNITS.items()))
    faces = [
        face(
            layout=layout,
            english=english,
            name=name[1][:50],
            unit_name=unit[1],
            qualification_type=TYPES[n % 2],
            issuer=unit[1],
            records=[RECORD] * 7 if n % 4 == 1 else [],
            mark=" · 预览，不作证书使用",
        )
        for n, (name, unit) in enumerate(cases)
    ]
    pages, sides = _pages(faces), 2 if layout == "card" else 1
    assert len(pages) == sides * len(cases)  # whatever stands on it
    faults = [
        f"{name[0]}, {unit[0]}: {fault}"
        for n, (name, unit) in enumerate(cases)
        for page in pages[sides * n : sides * (n + 1)]
        for fault in _faults(page)
    ]
    assert not faults, "\n".join(faults[:20])


@pytest.mark.parametrize("layout", ["a4", "card"])
def test_every_fact_stands_on_the_face(layout: str) -> None:
    """Each field of the template has a box with an extent"""
    found = {name for page in _pages([face(layout=layout)]) for name, _ in _fields(page)}
    wanted = {"title", "photo", "name", "sex", "id", "unit", "type", "number", "first", "issued", "valid", "qr"}
    assert wanted <= found


@pytest.mark.parametrize("width", range(12, 66, 3))
@pytest.mark.parametrize("name", NAMES.values())
def test_the_dot_of_a_name_never_begins_a_line_nor_stands_alone(name: str, width: int) -> None:
    """GB/T 15834: 间隔号 does not stand at the beginning of a line"""
    for size in (6, 9, 15):
        lines = fit(name, Box(width, 10, size, between_parts=True)).lines
        assert all(line and line[0] not in line_breaks.NOT_FIRST for line in lines), lines
        assert not any(line.strip("·") == "" for line in lines), lines
        assert "".join(lines).replace(" ", "") == name.replace(" ", "")


def test_a_bracket_opens_no_line_end_and_closes_no_line_beginning() -> None:
    """GB/T 15834"""
    text = "甲（乙）" * 25
    for width in range(20, 66):
        for line in fit(text, Box(width, 20, 11.5)).lines:
            assert line[0] not in line_breaks.NOT_FIRST
            assert line[-1] not in line_breaks.NOT_LAST


def test_a_name_breaks_between_its_parts_as_long_as_they_fit() -> None:
    lines = fit(UYGHUR, Box(65, 14, 15, is_bold=True, between_parts=True)).lines
    assert all(line.endswith("·") for line in lines[:-1])


def _pages(faces: list[dict[str, Any]]) -> list[Any]:
    html = pdf.render("certificates/certificate.html", {"title": "x", "faces": faces})
    return laid_out.lay_out(html, "certificates/certificate.css")


def _faults(page: Any) -> Iterator[str]:
    fields = [(name, found) for name, found in _fields(page) if found is not None]
    for name, (left, top, right, bottom) in fields:
        if left < 0 or top < 0 or right > page.width or bottom > page.height:
            yield f"{name} leaves the page: {left:.0f} {top:.0f} {right:.0f} {bottom:.0f}"
    for (name, one), (other, two) in itertools.combinations(fields, 2):
        wide = min(one[2], two[2]) - max(one[0], two[0])
        high = min(one[3], two[3]) - max(one[1], two[1])
        if wide > SPACE * 96 / 25.4 and high > SPACE * 96 / 25.4:
            yield f"{name} and {other} overlap by {wide:.1f} × {high:.1f} px"


def _fields(page: Any) -> Iterator[tuple[str, Any]]:
    """The extent of each field: of its lines of text and its pictures, in pixels."""
    found: dict[str, list[tuple[float, float, float, float]]] = {}
    _collect(laid_out.root(page), None, found)
    for name, boxes in found.items():
        yield (
            name,
            tuple(edge(values) for edge, values in zip((min, min, max, max), zip(*boxes, strict=True), strict=True)),
        )


def _collect(box: Any, field: str | None, found: dict[str, list[tuple[float, float, float, float]]]) -> None:
    element = getattr(box, "element", None)
    field = (element.get("data-field") if element is not None and hasattr(element, "get") else None) or field
    is_leaf = hasattr(box, "text") or hasattr(box, "replacement") or type(box).__name__ == "TableCellBox"
    if field and is_leaf:
        place = (box.position_x, box.position_y, box.position_x + box.width, box.position_y + box.height)
        text = laid_out.text_of(box)
        found.setdefault(field, []).append(tuple(text)[1:] if text else place)
    for child in getattr(box, "children", ()):
        _collect(child, field, found)
