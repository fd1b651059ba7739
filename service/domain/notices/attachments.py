"""Files of bulletins and tickets: names, sizes and kinds, told by the extension and the first and last bytes."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection

from service.errors import N_, InvalidInput, Message

MAX_NAME_LENGTH = 100

MAIN_PARTS = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}
"""Extension of an office file → the part that makes it one."""
_PROGRAMS = (".bin", ".exe", ".js", ".vbs")
_OFFICE = "application/vnd.openxmlformats-officedocument."
REFUSED = N_(
    "只能上传 PDF、Word（docx）、Excel（xlsx）、JPEG 或 PNG 文件，且内容须与扩展名一致；不接受带宏或加密的文件。"
)


PICTURES_AND_PDF = frozenset({"pdf", "jpg", "jpeg", "png"})
REFUSED_PICTURE = N_("只能上传 PDF、JPEG 或 PNG 文件，且内容须与扩展名一致。")


def check_kind(
    name: str, data: bytes, most_bytes: int, field: str = "file", only: frozenset[str] | None = None
) -> tuple[str, str]:
    """The clean name and media type of an upload; raises ``InvalidInput`` at ``field`` for another kind or size.

    only: the extensions that are taken, None for all that are known.
    """
    name = clean_name(name)
    extension = name.rpartition(".")[2].lower()
    if not data or not name.rpartition(".")[0]:
        raise InvalidInput({field: N_("请选择要上传的文件。")})
    if len(data) > most_bytes:
        raise InvalidInput(
            {field: Message(N_("文件超过 %(most)s MB，请压缩后再传。"), most=most_bytes // 1024 // 1024)}
        )
    known = _KINDS.get(extension)
    if known is None or (only and extension not in only) or not known[1](data):
        raise InvalidInput({field: REFUSED_PICTURE if only else REFUSED})
    return name, known[0]


def is_plain_office(extension: str, parts: Collection[str]) -> bool:
    """Tell whether an office file has its main part, and neither macros nor embedded programs."""
    programs = (name for name in map(str.lower, parts) if name.endswith(_PROGRAMS) and "printersettings" not in name)
    return {"[Content_Types].xml", MAIN_PARTS[extension]} <= set(parts) and not any(programs)


def clean_name(name: str) -> str:
    """The file name without folders and control or direction characters, shortened in front of its extension."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/")).rpartition("/")[2]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C" and c not in '<>:"|?*').strip(" .")
    stem, dot, extension = name.rpartition(".")
    return f"{stem[: MAX_NAME_LENGTH - len(extension) - 1]}{dot}{extension}" if len(name) > MAX_NAME_LENGTH else name


def _is_pdf(data: bytes) -> bool:
    return data.startswith(b"%PDF-") and b"%%EOF" in data[-2048:]


def _is_jpeg(data: bytes) -> bool:
    return data.startswith(b"\xff\xd8\xff") and data.rstrip(b"\0").endswith(b"\xff\xd9")


def _is_png(data: bytes) -> bool:
    return data.startswith(b"\x89PNG\r\n\x1a\n") and data.endswith(b"IEND\xaeB`\x82")


def _is_package(data: bytes) -> bool:
    return data.startswith(b"PK")


_KINDS: dict[str, tuple[str, Callable[[bytes], bool]]] = {
    "pdf": ("application/pdf", _is_pdf),
    "docx": (_OFFICE + "wordprocessingml.document", _is_package),
    "xlsx": (_OFFICE + "spreadsheetml.sheet", _is_package),
    "jpg": ("image/jpeg", _is_jpeg),
    "jpeg": ("image/jpeg", _is_jpeg),
    "png": ("image/png", _is_png),
}
