"""Mail addresses, telephone numbers, reasons and photos: what may be typed or uploaded, and how it is written."""

from __future__ import annotations

import re
import unicodedata

from service.errors import N_, InvalidInput, Message
from service.validation.characters import is_storable, strip_unseen, tidy
from service.validation.messages import NOT_STORABLE, TOO_LONG
from service.validation.written import plain_number

MAX_MAIL_LENGTH = 100
MAIL_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}"
)

MAX_REASON_LENGTH = 500

PHOTO_FORMATS = frozenset({"JPEG", "PNG"})
MIN_PHOTO_WIDTH, MIN_PHOTO_HEIGHT = 295, 413  # pixels: 25 × 35 mm at 300 dpi
MAX_PHOTO_PIXELS = 24_000_000  # more is an attack on the decoder, not a portrait
MAX_JPEG_SCANS = 40  # of a progressive JPEG, thumbnail included; programs write some ten
MIN_PHOTO_BYTES, MAX_PHOTO_BYTES = 20 * 1024, 2 * 1024 * 1024
RATIO_TOLERANCE = 3  # per cent of the ratio 5:7


def parse_mail(text: str | None, field: str = "mail") -> str:
    """Read a mail address of at most 100 characters; '' when none was typed."""
    typed = strip_unseen(text or "").strip().replace("＠", "@")
    if typed and (len(typed) > MAX_MAIL_LENGTH or not MAIL_ADDRESS.fullmatch(typed)):
        raise InvalidInput({field: N_("请填写正确的邮箱地址，如 name@example.cn。")})
    return typed


def mask_mail(address: str) -> str:
    """Hide all but the first character before the @."""
    name, sign, host = address.partition("@")
    return f"{name[:1]}***{sign}{host}" if address else ""


def normalise(text: str | None) -> str:
    """Write a number as it is compared: half-width, without blanks, hyphens and what nobody sees, in capitals."""
    return re.sub(r"[\s\-‐-―−]", "", unicodedata.normalize("NFKC", plain_number(text or ""))).upper()


def parse_phone(text: str | None, field: str = "phone") -> str:
    """Read a telephone number: a mainland mobile, or a landline with area code; '' when none was typed.

    The code of the country and brackets around that of the area fall away.
    """
    number = normalise(text)
    number = re.sub(r"^(\+|00)?86(?=1[3-9]\d{9}$)", "", number.replace("(", "").replace(")", ""), flags=re.ASCII)
    number = re.sub(r"^(\+|00)860?(?=[1-9]\d{8,10}$)", "0", number, flags=re.ASCII)
    if number and not re.fullmatch(r"1[3-9]\d{9}|0[1-9]\d{8,10}", number, re.ASCII):
        raise InvalidInput({field: N_("请填写 11 位手机号码，或带区号的固定电话，如 053112345678。")})
    return number


def parse_reason(text: str | None, field: str = "reason") -> str:
    """Read a reason of 1 to 500 characters, trimmed (R13, R17, R46, R51, R58, R60, R62)."""
    reason = tidy(unicodedata.normalize("NFC", text or ""))
    if not reason:
        raise InvalidInput({field: N_("请写明原因，对方会看到这段话。")})
    if len(reason) > MAX_REASON_LENGTH:
        raise InvalidInput({field: Message(TOO_LONG, most=MAX_REASON_LENGTH, now=len(reason))})
    if not is_storable(reason):
        raise InvalidInput({field: NOT_STORABLE})
    return reason


def obstacle_to_photo(file_format: str | None, width: int, height: int, size: int) -> Message | None:
    """Return why a picture cannot be used. file_format: as the decoder names it, None for no image; size: bytes."""
    if file_format not in PHOTO_FORMATS:
        return Message(N_("请上传 JPEG 或 PNG 格式的照片，这个文件不是。"))
    if not MIN_PHOTO_BYTES <= size <= MAX_PHOTO_BYTES:
        return Message(N_("照片文件应在 20 KB 至 2 MB 之间，请调整后重新上传。"))
    if width * height > MAX_PHOTO_PIXELS:
        return too_many_pixels(width, height)
    if width < MIN_PHOTO_WIDTH or height < MIN_PHOTO_HEIGHT:
        return Message(N_("照片至少 295×413 像素，请用更清晰的近期免冠正面照。"))
    if abs(100 * 7 * width - 100 * 5 * height) > RATIO_TOLERANCE * 5 * height:
        return Message(N_("照片宽高比应为 5:7（一寸照），请裁剪后重新上传。"))
    return None


def too_many_pixels(width: int, height: int) -> Message:
    """Tell that a picture is too large to be decoded."""
    return Message(
        N_("照片有 %(width)s×%(height)s 像素，共可有 %(most)s 像素，请缩小后重新上传。"),
        width=width,
        height=height,
        most=f"{MAX_PHOTO_PIXELS:,}",
    )
