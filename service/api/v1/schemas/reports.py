"""Reports: the menu, and the rows of one with its columns and totals. What stands in a row follows from the columns."""

from __future__ import annotations

from marshmallow import fields

from service.api.v1.schemas.base import RequestSchema, ResponseSchema
from service.reports.framework.report import CellType
from service.validation.fields import Choice, Id, Integer, List, Text, nested

FILTERS = ("q", "by", "year", "province", "unit", "type", "class_id", "kind", "need", "state", "band", "print")


class Option(ResponseSchema):
    """A filter that a report knows, with its values if they are codes."""

    name = Text("参数名。 / Name of the parameter.")
    values = List(fields.String(), "可取的值；为空则是文字、年份或 id。 / Its values; empty for words, years and ids.")


class Report(ResponseSchema):
    """One entry of the menu."""

    name = Text("名称，用于地址。 / Name, as in the address.")
    title = Text("标题。 / Title.")
    note = Text("说明。 / Note.")
    filters = List(nested(Option), "筛选条件。 / Filters.")


class Reports(ResponseSchema):
    items = List(nested(Report))


class Column(ResponseSchema):
    key = Text("行内的键。 / Key in the rows.")
    title = Text("表头。 / Heading.")
    kind = Choice("写法：share 为 {part, whole}，score 为分数或缺考。 / How it is written.", CellType)


class ReportQuery(RequestSchema):
    """Filters; which of them a report knows, GET /reports tells."""

    q = Text("查找的文字。 / Words to search for.", 50)
    by = Text("分组。 / Grouped by what.", 20)
    year = Integer("年份；0 为全部。 / Year; 0 for all.", 0, 2200)
    province = Id("省份的 id。 / Id of the province.")
    unit = Id("单位的 id。 / Id of the unit.")
    type = Id("资格类型的 id。 / Id of the qualification type.")
    class_id = Id("培训班的 id。 / Id of the class.")
    kind = Text("类型。 / Kind.", 20)
    need = Text("应参加的培训。 / Training that is due.", 20)
    state = Text("状态。 / State.", 20)
    band = Text("到期期限。 / Warning band.", 20)
    print = Text("打印。 / Printed or not.", 20)
    cursor = Text("上一次答复的 next 或 previous。 / `next` or `previous` of an answer.", 500)


class ReportPage(ResponseSchema):
    """A page of a report."""

    name = Text("名称。 / Name.")
    title = Text("标题。 / Title.")
    chosen = fields.Dict(
        keys=fields.String(), values=fields.String(), metadata={"description": "实际的筛选条件。 / Filters in force."}
    )
    columns = List(nested(Column), "列。 / Columns.")
    items = List(fields.Dict(keys=fields.String()), "行，一页 100 行。 / Rows, 100 a page.")
    totals = fields.Dict(
        keys=fields.String(), metadata={"description": "合计，n 为行数。 / Sums; n is the number of rows."}
    )
    next = Text("下一页。 / Cursor of the next page.", allow_none=True)
    previous = Text("上一页。 / Cursor of the page before.", allow_none=True)
