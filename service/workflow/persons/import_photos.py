"""The photos that come beside a sheet of persons, in a ZIP: whose each is, how they are kept, and their check (R72)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from service.domain.notices.attachments import clean_name
from service.domain.values.validators import MAX_PHOTO_BYTES, normalise, obstacle_to_photo
from service.errors import N_, InvalidInput, Message
from service.infrastructure.decoder_pool import DecoderError, decode, decode_members, told_of_limits
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.persons.person_import import ImportPhoto
from service.workflow.persons.import_rows import Wrong
from service.workflow.persons.import_sheet import MAX_PERSONS, PHOTO, Row
from service.workflow.persons.photos import CleanPhoto, clean_photo
from service.workflow.row_refusal import refusal_of

MAX_ZIP_BYTES = 64 * 1024 * 1024  # bytes of the ZIP
LIMITS = {"entries": 2 * MAX_PERSONS, "unpacked": 2 * MAX_ZIP_BYTES}  # photos hardly become smaller when packed
_ENDS = ("jpg", "jpeg", "png")
_LEFT_BEHIND = re.compile(r"(^|/)(__MACOSX/|\.|thumbs\.db$|desktop\.ini$)", re.IGNORECASE)
_TOO_MUCH = N_("照片压缩包里的文件过多或过大，请只放人员照片，并分成几次导入。")
_DAMAGED = N_("照片压缩包已损坏或被加密，请重新压缩为不加密的 ZIP 再上传。")


@dataclass(frozen=True, slots=True)
class PhotoArchive:
    """A ZIP and the name and size in bytes of each file in it, by its place."""

    stream: IO[bytes]
    files: dict[int, tuple[str, int]]


@dataclass(slots=True)
class Found:
    """The content of the ZIP: row → place of its file, what is wrong with a row's photo,
    the names that belong to no row.
    """

    entries: dict[int, int] = field(default_factory=dict)
    wrong: dict[int, Message] = field(default_factory=dict)
    strangers: list[str] = field(default_factory=list)


def open_photos(stream: IO[bytes]) -> PhotoArchive:
    """The ZIP of photos. Raises InvalidInput at ``photos`` for what is none, is protected, or is beyond a limit."""
    if stream.seek(0, 2) > MAX_ZIP_BYTES:
        raise _refuse(Message(N_("照片压缩包超过 %(most)s MB，请分成几次导入。"), most=MAX_ZIP_BYTES >> 20))
    try:
        entries, _ = decode("archive", stream, **LIMITS)
    except DecoderError as error:
        raise _refuse(_REFUSALS.get(error.reason) or told_of_limits(error)) from error
    return PhotoArchive(stream, {n: (name, size) for n, (name, size, is_folder) in enumerate(entries) if not is_folder})


def assign(packed: PhotoArchive, rows: Sequence[Row]) -> Found:
    """Find the row of each entry: its name is the number of the document, or of the row in the sheet."""
    by_name = {str(row.number): row.number for row in rows}
    by_name |= {number: row.number for row in rows if (number := normalise(row.raw.get("id_number")))}
    found = Found()
    for place, (path, size) in packed.files.items():
        if _LEFT_BEHIND.search(path):
            continue
        name = unicodedata.normalize("NFKC", path.replace("\\", "/").rpartition("/")[2])
        stem, _, end = name.rpartition(".")
        row = by_name.get(normalise(stem)) if end.lower() in _ENDS else None
        if row is None:
            found.strangers.append(clean_name(path))
        elif row in found.entries:
            found.wrong[row] = Message(N_("这个人员有不止一张照片，请只保留一张。"))
        else:
            found.entries[row] = place
            if size > MAX_PHOTO_BYTES:  # not even unpacked
                found.wrong[row] = obstacle_to_photo("JPEG", 0, 0, size) or Message(_DAMAGED)
    return found


def keep(import_id: UUID, packed: PhotoArchive, found: Found) -> int:
    """Keep the photos of a running transaction as they came; returns how many. Raises InvalidInput at ``photos``."""
    kept = 0
    for row, data in _unpack(packed, found):
        session().execute(insert(ImportPhoto).values(import_id=import_id, row=row, content=data))
        kept += 1
    return kept


def check(import_id: UUID, rows: Iterable[Row]) -> Wrong:
    """Encode the photos of these rows, in a transaction of its own, or tell why they cannot be used; again if again."""
    wrong: Wrong = {}
    query = select(ImportPhoto.row, ImportPhoto.content).where(
        ImportPhoto.import_id == import_id,
        ImportPhoto.row.in_([row.number for row in rows]),
        ImportPhoto.width.is_(None),
    )
    with transaction(Operation("check_import_photos")) as current:
        for row, content in current.execute(query).all():
            this = (ImportPhoto.import_id == import_id, ImportPhoto.row == row)
            try:
                clean = clean_photo(content, PHOTO)
            except Exception as error:
                refused = refusal_of(error, "import_photos")
                wrong[str(row)] = refused.fields or {PHOTO: refused.message}
            else:
                made = {"content": clean.jpeg, "width": clean.width, "height": clean.height}
                current.execute(update(ImportPhoto).where(*this).values(made))
    return wrong


def of_rows(import_id: UUID, rows: Iterable[Row]) -> Mapping[int, CleanPhoto]:
    """The photos of these rows that passed."""
    query = select(ImportPhoto.row, ImportPhoto.content, ImportPhoto.width, ImportPhoto.height).where(
        ImportPhoto.import_id == import_id,
        ImportPhoto.row.in_([row.number for row in rows]),
        ImportPhoto.width.is_not(None),
    )
    return {
        row: CleanPhoto(content, width or 0, height or 0) for row, content, width, height in session().execute(query)
    }


def numbers_of(import_id: UUID) -> set[int]:
    """The rows for which a photo is kept."""
    return set(session().scalars(select(ImportPhoto.row).where(ImportPhoto.import_id == import_id)))


def remove(import_id: UUID) -> None:
    """Take the photos away with their import (§5.1)."""
    session().execute(delete(ImportPhoto).where(ImportPhoto.import_id == import_id))


def _unpack(packed: PhotoArchive, found: Found) -> Iterator[tuple[int, bytes]]:
    chosen = {row: place for row, place in found.entries.items() if row not in found.wrong}
    try:
        yield from zip(
            chosen,
            decode_members(packed.stream, chosen=list(chosen.values()), most=MAX_PHOTO_BYTES, **LIMITS),
            strict=True,
        )
    except DecoderError as error:
        raise _refuse(_REFUSALS.get(error.reason) or told_of_limits(error)) from error


def _refuse(text: str | Message) -> InvalidInput:
    return InvalidInput({"photos": text}, N_("文件没有通过检查，什么都没有写入。"))


_REFUSALS: dict[str, str] = {
    "no_archive": N_("这不是 ZIP 压缩包。请把照片放在一起，压缩为 .zip 再上传。"),
    "entries": _TOO_MUCH,
    "unpacked": _TOO_MUCH,
    "encrypted": _DAMAGED,
    "damaged": _DAMAGED,
}
