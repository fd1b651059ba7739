"""Rules for the photo of a certificate (domain.md §1.3): one inch, upright. The image itself is read elsewhere."""

from __future__ import annotations

from service.errors import N_, Message

FORMATS = frozenset({"JPEG", "PNG"})
LEAST_WIDTH, LEAST_HEIGHT = 295, 413  # pixels: 25 × 35 mm at 300 dpi
MOST_PIXELS = 24_000_000  # more is an attack on the decoder, not a portrait
MOST_SCANS = 40  # of a progressive JPEG, thumbnail included; programs write some ten
LEAST_BYTES, MOST_BYTES = 20 * 1024, 2 * 1024 * 1024
TOLERANCE = 3  # per cent of the ratio 5:7


def obstacle_to_photo(file_format: str | None, width: int, height: int, size: int) -> Message | None:
    """Return why a picture cannot be used. file_format: as the decoder names it, None for no image; size: bytes."""
    if file_format not in FORMATS:
        return Message(N_("请上传 JPEG 或 PNG 格式的照片，这个文件不是。"))
    if not LEAST_BYTES <= size <= MOST_BYTES:
        return Message(N_("照片文件应在 20 KB 至 2 MB 之间，请调整后重新上传。"))
    if width * height > MOST_PIXELS:
        return too_many_pixels(width, height)
    if width < LEAST_WIDTH or height < LEAST_HEIGHT:
        return Message(N_("照片至少 295×413 像素，请用更清晰的近期免冠正面照。"))
    if abs(100 * 7 * width - 100 * 5 * height) > TOLERANCE * 5 * height:
        return Message(N_("照片宽高比应为 5:7（一寸照），请裁剪后重新上传。"))
    return None


def too_many_pixels(width: int, height: int) -> Message:
    """Tell that a picture is too large to be decoded."""
    return Message(
        N_("照片有 %(width)s×%(height)s 像素，共可有 %(most)s 像素，请缩小后重新上传。"),
        width=width,
        height=height,
        most=f"{MOST_PIXELS:,}",
    )
