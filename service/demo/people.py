"""Invented people and units: plausible names, valid synthetic numbers (domain.md §2), drawn specimen pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from random import Random

from PIL import Image, ImageDraw

from service.domain import credit_code, identity
from service.domain.provinces import PROVINCES
from service.models import today

FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
GIVEN_M = "伟强磊洋勇军杰涛明超刚平辉鹏华飞鑫波斌宇浩凯健俊帆成志建国立新海峰岩松柏林泽远思诚文博"
GIVEN_F = "芳娜敏静丽艳娟霞秀英玲燕红梅洁琳雪慧婷颖倩怡欣佳悦雯晴萍兰淑珍月桂云莲蓉岚"
POSTS = {
    "PRINCIPAL": ("董事长", "总经理", "副总经理", "分厂厂长", "生产场点负责人"),
    "MANAGER": ("安全科科长", "安全员", "专职安全管理员", "车间安全主任", "安全总监"),
}
EDUCATION = ("高中", "中专", "大专", "大学本科", "硕士研究生")
TITLES = ("助理工程师", "工程师", "高级工程师", "注册安全工程师")
PLACES = [
    "岱岳",
    "渤海",
    "沂河",
    "微山湖",
    "黄河",
    "泺源",
    "汉江",
    "洞庭",
    "井冈",
    "太行",
    "祁连",
    "天山",
    "雁门",
    "秦岭",
    "巴山",
    "赤水",
    "漓江",
    "武夷",
    "五指",
    "兴安",
    "长白",
    "松花",
    "滦河",
    "海河",
    "燕山",
    "钱塘",
    "皖江",
    "鄱阳",
    "贺兰",
    "昆仑",
]
TRADES = ("民爆器材", "化工", "爆破器材", "民爆", "特种化工")


class People:
    """One after the other, the same for the same seed; no number comes twice."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311  (invented data, no secrets)
        self._numbers: set[str] = set()

    def person(self, province: str, kind: str) -> dict[str, str]:
        """The fields of the person form for somebody of a unit in ``province`` whose qualification type is ``kind``."""
        pick = self._random.choice
        is_female = self._random.random() < 0.22
        given = GIVEN_F if is_female else GIVEN_M
        name = pick(FAMILY) + "".join(self._random.sample(given, pick((1, 2, 2))))
        born = today() - timedelta(days=self._random.randrange(24 * 365, 58 * 365))
        return {
            "name": name, "id_type": "resident_id", "id_number": self._id_number(province, born, is_female), "qualification_type": kind,
            "post": pick(POSTS[kind.split("_")[0]]), "education": pick(EDUCATION), "title": pick(TITLES),
            "phone": f"13{self._random.randrange(10)}{self._random.randrange(10**8):08d}",
            "appointed_on": str(today() - timedelta(days=self._random.randrange(30, 3000))), "no_criminal_record": "1",
        }  # fmt: skip

    def _id_number(self, province: str, born: date, is_female: bool) -> str:
        """Region ``xx0000`` belongs to nobody alive."""
        while True:
            region = "65" if province == "66" else province
            first = f"{region}0000{born:%Y%m%d}{self._random.randrange(1, 500) * 2 - (0 if is_female else 1):03d}"
            if first not in self._numbers:
                self._numbers.add(first)
                return first + identity.check_character(first)

    def legacy(self, number: int, province: str, valid_to: date) -> dict[str, str]:
        """The fields of a certificate from before this system, three years long; eleven digits (§1.4)."""
        issued = date(valid_to.year - 3, valid_to.month, min(valid_to.day, 28))
        return {
            "certificate_number": f"{province}{issued.year}{number:05d}", "certificate_issued_on": str(issued), "certificate_valid_to": str(valid_to),
        }  # fmt: skip

    def spread(self, first: int, last: int) -> int:
        """A whole number from ``first`` to ``last``."""
        return self._random.randint(first, last)

    def chance(self, share: float) -> bool:
        """True for about ``share`` of the calls."""
        return self._random.random() < share

    def some(self, things: list[str], count: int) -> list[str]:
        """``count`` of them, or all."""
        return self._random.sample(things, min(count, len(things)))


def units() -> Iterator[dict[str, str]]:
    """60 units without end of their numbering: groups and enterprises of every province in turn; authority as a code."""
    codes = ["37", "42", "37", *[c for c in PROVINCES if c < "71"]]
    for n in range(10**6):
        code, place = codes[n % len(codes)], PLACES[n % len(PLACES)]
        trade = TRADES[(n // len(PLACES)) % len(TRADES)]
        suffix = "" if n < len(PLACES) else f"第{n // len(PLACES) + 1}"
        first = f"9{1 + n % 3}{code}0000MA{n:07d}"
        first = first[:17]
        yield {
            "name": f"{place}{trade}{suffix}（示例）", "credit_code": first + credit_code.check_character(first), "code": code,
            "business": ("production", "sale", "both")[n % 3], "legal_rep": FAMILY[n % len(FAMILY)] + "总", "contact": FAMILY[(n * 7) % len(FAMILY)] + "主任",
            "phone": f"139{n:08d}", "address": f"{PROVINCES[code].name}示例路 {n + 1} 号",
        }  # fmt: skip


@lru_cache
def picture(n: int) -> bytes:
    """A drawn specimen photo, 295 × 413 pixels: head and shoulders on white, ``n`` chooses the colours."""
    image = Image.new("RGB", (295, 413), "white")
    draw = ImageDraw.Draw(image)
    coat = ((23, 80, 111), (66, 80, 91), (83, 58, 143), (23, 96, 58), (118, 70, 0), (60, 60, 70))[n % 6]
    skin = ((238, 205, 178), (226, 188, 158), (244, 214, 190))[n % 3]
    hair = ((25, 22, 20), (60, 45, 35), (110, 110, 112))[n % 4 % 3]
    draw.ellipse((20, 275, 275, 560), fill=coat)
    draw.polygon(((118, 280), (177, 280), (148, 345)), fill="white")
    draw.rectangle((122, 235, 173, 300), fill=skin)
    draw.ellipse((82, 75, 213, 262), fill=hair)
    draw.ellipse((92, 105, 203, 265), fill=skin)
    for x in (122, 172):
        draw.ellipse((x - 5, 172, x + 5, 182), fill=(40, 35, 30))
    draw.arc((125, 195, 170, 232), 20, 160, fill=(150, 80, 70), width=3)
    noise = Image.effect_noise((295, 413), 40).convert("RGB")  # a flat drawing would be below the 20 KB that are asked
    out = io.BytesIO()
    Image.blend(image, noise, 0.1).save(out, "JPEG", quality=95)
    return out.getvalue()
