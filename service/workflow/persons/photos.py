"""Photos of persons: is the upload really a picture of the required form; re-encoding; keeping it."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

from PIL import Image, ImageOps, UnidentifiedImageError

from service.domain.values.photos import MOST_BYTES, MOST_PIXELS, obstacle_to_photo
from service.errors import N_, InvalidInput, Message
from service.models.db.session import session
from service.models.tables.person import Photo

KEPT = (590, 826)  # pixels: what is stored is at most twice the one-inch size
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
_CROOKED = Message(N_("照片文件不完整，或末尾带有别的内容，请用看图软件另存为 JPEG 后再上传。"))


@dataclass(frozen=True, slots=True)
class CleanPhoto:
    """A JPEG made by us: upright, on white ground, without metadata. width and height in pixels."""

    jpeg: bytes
    width: int
    height: int


def clean_photo(data: bytes, field: str = "photo") -> CleanPhoto:
    """Check an upload (§1.3) and encode it again; raises ``InvalidInput`` at ``field`` for anything but a plain photo."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the limit is told below, with a remedy
            picture = _read(data, field)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidInput({field: _CROOKED}) from error
    picture.thumbnail(KEPT, Image.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90, optimize=True, dpi=(300, 300))
    return CleanPhoto(out.getvalue(), picture.width, picture.height)


def keep_photo(photo: CleanPhoto) -> Photo:
    """A row of the running transaction; replaced photos stay, as the versions of the person name them."""
    row = Photo(jpeg=photo.jpeg, width=photo.width, height=photo.height)
    session().add(row)
    session().flush()
    return row


def _read(data: bytes, field: str) -> Image.Image:
    """The picture, upright, in RGB. Its header is judged before any pixel is unpacked."""
    try:
        picture = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
    except UnidentifiedImageError:
        raise InvalidInput({field: obstacle_to_photo(None, 0, 0, len(data)) or _CROOKED}) from None
    kind, (width, height) = picture.format or "", picture.size
    if len(data) > MOST_BYTES or width * height > MOST_PIXELS:
        raise InvalidInput({field: obstacle_to_photo(kind, width, height, len(data)) or _CROOKED})
    if not data.rstrip(b"\0").endswith(_ENDS[kind]):  # cut off, or another file hangs on behind
        raise InvalidInput({field: _CROOKED})
    picture.load()
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    problem = obstacle_to_photo(kind, upright.width, upright.height, len(data))
    if problem:
        raise InvalidInput({field: problem})
    ground = Image.new("RGB", upright.size, "white")
    ground.paste(upright, mask=upright.getchannel("A"))
    return ground
