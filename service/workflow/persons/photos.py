"""Photos of persons: is the upload really a picture of the required form; re-encoding; keeping it."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.values.validators import (
    MAX_JPEG_SCANS,
    MAX_PHOTO_BYTES,
    MAX_PHOTO_PIXELS,
    obstacle_to_photo,
    too_many_pixels,
)
from service.errors import N_, InvalidInput, Message
from service.infrastructure.decoder_pool import DecoderError, decode, told_of_limits
from service.models.db.session import session
from service.models.tables.persons.person import Photo

STORED_SIZE_PX = (590, 826)  # pixels: what is stored is at most twice the one-inch size
_CROOKED = Message(N_("照片文件不完整，或末尾带有别的内容，请用看图软件另存为 JPEG 后再上传。"))


@dataclass(frozen=True, slots=True)
class CleanPhoto:
    """A JPEG made by us: upright, on white ground, without metadata. width and height in pixels."""

    jpeg: bytes
    width: int
    height: int


def clean_photo(data: bytes, field: str = "photo") -> CleanPhoto:
    """Check an upload (§1.3) and re-encode it; raises ``InvalidInput`` at ``field`` for anything but a plain photo."""
    if len(data) > MAX_PHOTO_BYTES:
        raise InvalidInput({field: obstacle_to_photo("JPEG", 0, 0, len(data)) or _CROOKED})
    try:
        (kind, width, height, *size), jpeg = decode(
            "photo", data, pixels=MAX_PHOTO_PIXELS, scans=MAX_JPEG_SCANS, kept=STORED_SIZE_PX
        )
    except DecoderError as error:
        raise InvalidInput({field: _told(error, len(data))}) from error
    if problem := obstacle_to_photo(kind, width, height, len(data)):
        raise InvalidInput({field: problem})
    return CleanPhoto(jpeg, *size)


def keep_photo(photo: CleanPhoto) -> Photo:
    """A row of the running transaction; replaced photos stay, as the versions of the person name them."""
    row = Photo(jpeg=photo.jpeg, width=photo.width, height=photo.height)
    session().add(row)
    session().flush()
    return row


def _told(error: DecoderError, size: int) -> Message:
    match error.reason:
        case "no_picture":
            return obstacle_to_photo(None, 0, 0, size) or _CROOKED
        case "pixels":
            return too_many_pixels(error.facts["width"], error.facts["height"])
        case "scans":
            return Message(
                N_("照片分成了过多的扫描（最多 %(most)s 次），请用看图软件另存为 JPEG 后再上传。"), most=MAX_JPEG_SCANS
            )
        case "damaged":
            return _CROOKED
        case _:
            return Message(told_of_limits(error))
