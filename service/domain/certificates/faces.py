"""The forms in which a certificate is printed: its facts are the same in each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from service.domain.values.labelled_enum import Labelled
from service.errors import N_


class Layout(Labelled):
    """The sheet: A4 to fold once, or front and back of a card (ISO/IEC 7810)."""

    A4 = "a4", N_("A4 横向")
    CARD = "card", N_("卡片（ID-1）")


class FaceLanguage(Labelled):
    ZH = "zh", N_("中文")
    BILINGUAL = "bilingual", N_("中英双语")


class Packaging(Labelled):
    PDF = "pdf", N_("一个 PDF，用于打印")
    ZIP = "zip", N_("ZIP，每份证书一个文件；已批准的带电子签名")


@dataclass(frozen=True, slots=True)
class FaceStyle:
    """The look of a face."""

    layout: Layout = Layout.A4
    language: FaceLanguage = FaceLanguage.ZH

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """Read ``layout`` and ``language``; what is missing or unknown is the usual: A4, Chinese."""
        layout, language = str(given.get("layout", "")), str(given.get("language", ""))
        return cls(
            Layout(layout) if layout in tuple(Layout) else Layout.A4,
            FaceLanguage(language) if language in tuple(FaceLanguage) else FaceLanguage.ZH,
        )
