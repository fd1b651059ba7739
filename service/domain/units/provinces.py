"""The province codes of GB/T 2260 and 兵团, which has none there but customarily uses 66."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import N_


@dataclass(frozen=True, slots=True)
class Province:
    """code: two digits; name: in full, a key of the catalogue; short: as in the names of classes; letter: 简称."""

    code: str
    name: str
    short: str
    letter: str


_TABLE = (
    Province("11", N_("北京市"), "北京", "京"),
    Province("12", N_("天津市"), "天津", "津"),
    Province("13", N_("河北省"), "河北", "冀"),
    Province("14", N_("山西省"), "山西", "晋"),
    Province("15", N_("内蒙古自治区"), "内蒙古", "蒙"),
    Province("21", N_("辽宁省"), "辽宁", "辽"),
    Province("22", N_("吉林省"), "吉林", "吉"),
    Province("23", N_("黑龙江省"), "黑龙江", "黑"),
    Province("31", N_("上海市"), "上海", "沪"),
    Province("32", N_("江苏省"), "江苏", "苏"),
    Province("33", N_("浙江省"), "浙江", "浙"),
    Province("34", N_("安徽省"), "安徽", "皖"),
    Province("35", N_("福建省"), "福建", "闽"),
    Province("36", N_("江西省"), "江西", "赣"),
    Province("37", N_("山东省"), "山东", "鲁"),
    Province("41", N_("河南省"), "河南", "豫"),
    Province("42", N_("湖北省"), "湖北", "鄂"),
    Province("43", N_("湖南省"), "湖南", "湘"),
    Province("44", N_("广东省"), "广东", "粤"),
    Province("45", N_("广西壮族自治区"), "广西", "桂"),
    Province("46", N_("海南省"), "海南", "琼"),
    Province("50", N_("重庆市"), "重庆", "渝"),
    Province("51", N_("四川省"), "四川", "川"),
    Province("52", N_("贵州省"), "贵州", "贵"),
    Province("53", N_("云南省"), "云南", "云"),
    Province("54", N_("西藏自治区"), "西藏", "藏"),
    Province("61", N_("陕西省"), "陕西", "陕"),
    Province("62", N_("甘肃省"), "甘肃", "甘"),
    Province("63", N_("青海省"), "青海", "青"),
    Province("64", N_("宁夏回族自治区"), "宁夏", "宁"),
    Province("65", N_("新疆维吾尔自治区"), "新疆", "新"),
    Province("66", N_("新疆生产建设兵团"), "兵团", "兵"),
    Province("71", N_("台湾省"), "台湾", "台"),
    Province("81", N_("香港特别行政区"), "香港", "港"),
    Province("82", N_("澳门特别行政区"), "澳门", "澳"),
)

PROVINCES = {province.code: province for province in _TABLE}

# Where the industry has a provincial authority: 31 provinces and 兵团.
AUTHORITY_CODES = tuple(code for code in PROVINCES if code < "71")

# What an identity number may begin with: 83 is given to residents of Taiwan, 66 never was.
IDENTITY_REGIONS = frozenset(PROVINCES) - {"66"} | {"83"}
