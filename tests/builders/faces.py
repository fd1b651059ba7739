"""Faces of certificates without a database: the facts that the template asks for."""

from __future__ import annotations

from typing import Any

from service.infrastructure.documents.pdf import picture, qr_code
from tests.builders.world import portrait

ENGLISH = {
    "sex": "Female",
    "type": "Safety officer (sale)",
    "issuer": "Ministry of Industry and Information Technology",
    "first_issued_on": "30 Sep 2024",
    "issued_on": "30 Sep 2026",
    "valid_to": "29 Sep 2030",
}


def face(**more: Any) -> dict[str, Any]:
    """The facts of an ordinary face."""
    usual = {
        "layout": "a4",
        "english": None,
        "photo": picture(portrait(noise=False)),
        "name": "张三",
        "sex": "女",
        "id_number": "370000197102280169",
        "unit_name": "泉城化工有限公司（示例）",
        "qualification_type": "安全生产管理人员（销售）",
        "number": "37202400001655",
        "first_issued_on": "2024年09月30日",
        "issued_on": "2026年09月30日",
        "valid_to": "2030年09月29日",
        "qr": qr_code("https://example.org/verify/" + 24 * "x"),
        "issuer": "工业和信息化主管部门（示例）",
        "edition": 2,
        "mark": "",
        "records": [],
        "records_only": False,
        "shift": "",
    }
    return usual | more
