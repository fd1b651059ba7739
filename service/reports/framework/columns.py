"""Columns that several reports have, and their cells from a row of a query."""

from __future__ import annotations

from typing import Any

from service.domain.persons.identity import Sex
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.reports.framework.report import CellType, Column

PERSON = Column("name", N_("姓名"))
SEX = Column("sex", N_("性别"), CellType.LABEL, is_minor=True)
ID_NUMBER = Column("id_number", N_("证件号码"), CellType.CODE)
PHONE = Column("phone", N_("手机"), CellType.CODE, is_minor=True)
UNIT = Column("unit_name", N_("单位"))
PROVINCE = Column("province", N_("省份"), CellType.LABEL)
TYPE = Column("type_name", N_("资格类型"), CellType.LABEL, is_minor=True)
NUMBER = Column("number", N_("证书编号"), CellType.CODE)
VALID_TO = Column("valid_to", N_("有效期至"), CellType.DAY)
CLASS = Column("class_title", N_("班次"))
CLASS_CODE = Column("class_code", N_("编号"), CellType.CODE, is_minor=True)
TRAINING_KIND = Column("kind", N_("培训类型"), CellType.LABEL)
STARTS = Column("starts_on", N_("开班日"), CellType.DAY)
STATE = Column("state", N_("状态"), CellType.LABEL)


def label(enumeration: type[Labelled], value: str | None) -> str | None:
    """The Chinese word of a stored value, a key of the catalogue."""
    return enumeration(value).label if value else None


def plain(row: Any, *names: str) -> dict[str, Any]:
    """Cells that are the row's own values."""
    return {name: getattr(row, name) for name in names}


def person(row: Any) -> dict[str, Any]:
    """Cells of a person: name, sex and number, masked."""
    return {"person_id": row.person_id, "name": row.name, "sex": label(Sex, row.sex), "id_number": row.id_number_masked}
