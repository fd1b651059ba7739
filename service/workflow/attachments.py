"""Files attached to bulletins and tickets: what is in them is looked at in a bounded child."""

from __future__ import annotations

from service.domain.notices.attachments import MAIN_PARTS, REFUSED, check_kind, is_plain_office
from service.errors import N_, InvalidInput, Message
from service.infrastructure.decoder_pool import DecoderError, decode, told_of_limits

MAX_PARTS, MAX_UNPACKED_BYTES = 5000, 200 * 1024 * 1024  # of an office file: beyond that it is a zip bomb
MAX_PDF_OBJECTS = 50_000  # of a PDF


def check_attachment(
    name: str, data: bytes, most_bytes: int, field: str = "file", only: frozenset[str] | None = None
) -> tuple[str, str]:
    """The clean name and media type of an upload; raises ``InvalidInput`` at ``field`` for what is no plain document.

    only: the extensions that are taken, None for all that are known.
    """
    name, media_type = check_kind(name, data, most_bytes, field, only)
    extension = name.rpartition(".")[2].lower()
    try:
        if extension == "pdf":
            decode("pdf", data, objects=MAX_PDF_OBJECTS)
        elif extension in MAIN_PARTS:
            parts, _ = decode("office", data, entries=MAX_PARTS, unpacked=MAX_UNPACKED_BYTES)
            if not is_plain_office(extension, parts):
                raise InvalidInput({field: REFUSED})
    except DecoderError as error:
        raise InvalidInput({field: _REFUSALS.get(error.reason) or told_of_limits(error)}) from error
    return name, media_type


_REFUSALS: dict[str, str | Message] = {
    "no_archive": REFUSED,
    "entries": N_("文件里的部件过多，请另存为内容较少的文件再上传。"),
    "unpacked": N_("文件解开后过大，请另存为内容较少的文件再上传。"),
    "damaged": N_("文件已损坏，无法读取，请重新生成后再上传。"),
    "encrypted": N_("PDF 被加密，请去掉密码和限制后再上传。"),
    "active": N_("PDF 带有脚本、动作、多媒体或附件，请打印为普通 PDF 后再上传。"),
    "objects": Message(N_("PDF 的内容过多（超过 %(most)s 个对象），请分成几个文件上传。"), most=f"{MAX_PDF_OBJECTS:,}"),
}
