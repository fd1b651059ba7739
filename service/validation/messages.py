"""One message for one fault, wherever it is made: in a task form, on a page, in a sheet or over REST."""

from __future__ import annotations

from service.errors import N_

REQUIRED = N_("这一项必填。")
NOT_NULL = N_("不能为 null；没有内容时请省略这一项。")
NOT_TEXT = N_("须为文字。")
TOO_LONG = N_("最多 %(most)s 个字，现在有 %(now)s 个。")
TOO_SHORT = N_("至少 %(least)s 个字。")
NOT_STORABLE = N_("含有不能保存的字符，请删去后重试。")
WRONG_FORM = N_("格式不对。%(hint)s")
NOT_A_NUMBER = N_("请填写数字。")
NOT_AN_INTEGER = N_("请填写整数。")
TOO_MANY_DECIMALS = N_("最多 %(digits)s 位小数。")
OUT_OF_RANGE = N_("须在 %(least)s 与 %(most)s 之间。")
TOO_SMALL = N_("不能小于 %(least)s。")
TOO_LARGE = N_("不能大于 %(most)s。")
NOT_A_DATE = N_("日期应写作 2026-11-24 的形式。")
DATE_OUT_OF_RANGE = N_("日期早于 1900 年或晚于允许的日期，请核对。")
NOT_AN_INSTANT = N_("时间应写作 2026-11-24T09:30:00+08:00 的形式。")
NOT_A_TIME = N_("时间应写作 18:00 或 2026-11-24T18:00 的形式。")
NOT_AN_OPTION = N_("请从列出的选项中选择。")
NOT_A_BOOLEAN = N_("只能是 true 或 false。")
NOT_AN_ID = N_("须为 UUID，如 0190b5a0-0000-7000-8000-000000000000。")
NOT_BASE64 = N_("须为 base64。")
NOT_A_LIST = N_("须为列表。")
TOO_FEW_ITEMS = N_("至少 %(least)s 项。")
TOO_MANY_ITEMS = N_("最多 %(most)s 项，现在有 %(now)s 项。")
NOT_AN_OBJECT = N_("须为 JSON 对象。")
NO_SUCH_FORM_FIELD = N_("表单里没有这一项，请刷新页面后重新填写。")
NO_SUCH_MEMBER = N_("没有这一项，请对照接口文档核对名称。")
