"""The child that decodes one file of foreign origin and ends. Imports nothing of ours.

Arguments: the operation, its limits as JSON, megabytes of memory, seconds of CPU time. The file comes on standard
input. Standard output has a line of JSON, ``["ok", value]`` or ``["refused", reason, facts]``, then bytes: of a
picture the JPEG, of the members of an archive each with its length in four bytes before it.
"""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import json
import os
import re
import resource
import struct
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any, BinaryIO

ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND\xaeB`\x82"}
SCAN = b"\xff\xda"  # begins each scan of a JPEG; compressed data hold it never, an embedded thumbnail once
ENTRY = b"PK\x01\x02"  # begins each entry of the directory of a ZIP
PIECE = 1 << 16
DECLARED = re.compile(rb"^\s*<\?xml[^>]*?\sencoding\s*=\s*([\"'])([A-Za-z0-9._-]+)[\"']")
ACTIVE_KEYS = frozenset({"/JS", "/AA", "/Collection", "/XFA", "/RichMediaContent", "/EmbeddedFiles", "/EF"})
ACTIVE_TYPES = frozenset(
    {"/JavaScript", "/Launch", "/ImportData", "/SubmitForm", "/RichMediaExecute", "/GoToE", "/GoToR", "/Rendition"}
)
ANNOTATIONS = frozenset({"/RichMedia", "/Movie", "/Screen", "/3D", "/FileAttachment", "/Sound"})
NICE = 15  # a file may wait, pages may not
DEEPEST = 100  # dictionaries and lists inside one object of a PDF

Limits = dict[str, Any]


class Refused(Exception):
    """The file goes beyond a limit or is not what it should be."""

    def __init__(self, reason: str, **facts: Any) -> None:
        super().__init__(reason)
        self.reason, self.facts = reason, facts


def photo(data: bytes, limits: Limits) -> tuple[Any, list[bytes]]:
    """A JPEG or PNG as an upright JPEG on white ground, at most ``kept`` pixels wide and high.

    limits: pixels, scans, kept. Value: [format, width, height of the upload when upright, width, height of the JPEG].
    """
    from PIL import Image, ImageOps, MpoImagePlugin, TiffImagePlugin, UnidentifiedImageError

    Image.preinit()  # loads the readers; those of the data in a JPEG are the two above
    for needed in (MpoImagePlugin, TiffImagePlugin):
        assert needed.__file__
    confine()
    warnings.simplefilter("ignore", Image.DecompressionBombWarning)
    try:
        picture: Image.Image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG"))
    except UnidentifiedImageError:
        raise Refused("no_picture") from None
    kind = "PNG" if picture.format == "PNG" else "JPEG"  # or MPO: telephones append further pictures
    width, height = picture.size
    if width * height > limits["pixels"]:
        raise Refused("pixels", width=width, height=height)
    if kind == "JPEG" and data.count(SCAN) > limits["scans"]:
        raise Refused("scans")
    if not data.rstrip(b"\0").endswith(ENDS[kind]):  # cut off, or another file hangs on behind
        raise Refused("damaged")
    if picture.getexif().get(0x0112, 1) >= 5:  # lies on its side
        width, height = height, width
    size = limits["kept"] if picture.size == (width, height) else limits["kept"][::-1]
    if picture.mode not in ("L", "RGB", "RGBA", "CMYK"):  # a palette cannot be scaled
        picture = picture.convert("RGBA")
    picture.thumbnail(tuple(size), Image.Resampling.LANCZOS)
    upright = ImageOps.exif_transpose(picture).convert("RGBA")
    ground = Image.new("RGB", upright.size, "white")
    ground.paste(upright, mask=upright.getchannel("A"))
    out = io.BytesIO()
    ground.save(out, "JPEG", quality=90, optimize=True, dpi=(300, 300))
    return [kind, width, height, ground.width, ground.height], [out.getvalue()]


def sheet(data: bytes, limits: Limits) -> tuple[Any, list[bytes]]:
    """The rows of the first sheet of an .xlsx that are not empty, as [number, cells, is hidden].

    limits: entries, unpacked (bytes), cells, rows, columns, merged. A cell is null, text, a number, a truth value, or
    a list: ["date", ISO], ["datetime", ISO], ["other", text], ["formula"], ["error"], ["merged"]. Of cells joined
    downwards each holds what the first one holds.
    """
    from lxml import etree
    from python_calamine import CalamineError, CalamineWorkbook

    confine()
    faults = (etree.XMLSyntaxError, CalamineError, *ZIP_FAULTS)
    try:
        plain, reader = unpack(data, limits, etree)
        rows = CalamineWorkbook.from_filelike(io.BytesIO(plain)).get_sheet_by_index(0).to_python(skip_empty_area=False)
        first_of = joined(reader.merged, len(rows), limits)
    except faults as error:
        raise Refused("damaged") from error

    def cell(at: int, n: int) -> Any:
        top, left = first_of.get((at, n), (at, n))
        if left != n:
            return ["merged"]
        return reader.special.get((top, n)) or as_json(rows[top][n])

    lines = []
    for at, cells in enumerate(rows):
        read = [cell(at, n) for n in range(len(cells))]
        if any(value is not None and (at, n) not in first_of for n, value in enumerate(read)):
            lines.append([at + 1, read, at in reader.hidden])
    return lines, []


def table(data: bytes, limits: Limits) -> tuple[Any, list[bytes]]:
    """The rows of a text with commas, semicolons or tabs that are not empty, as [number, cells, False].

    The text is UTF-8 or GB 18030. limits: cells, rows, columns. A cell is null or text.
    """
    for needed in ("utf-8-sig", "gb18030"):  # Python would load them later, from a file
        codecs.lookup(needed)
    confine()
    if b"\0" in data:
        raise Refused("no_text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = data.decode("gb18030")
        except UnicodeDecodeError:
            raise Refused("no_text") from None
    first = text.partition("\n")[0]
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=max(",;\t", key=first.count), strict=False))
    except csv.Error as error:
        raise Refused("damaged") from error
    if sum(map(len, rows)) > limits["cells"]:
        raise Refused("cells")
    if len(rows) > limits["rows"] or any(len(cells) > limits["columns"] for cells in rows):
        raise Refused("far")
    read = [[cell.strip() or None for cell in cells] for cells in rows]
    return [[at + 1, cells, False] for at, cells in enumerate(read) if any(cells)], []


def archive(data: bytes, limits: Limits) -> tuple[Any, list[bytes]]:
    """The entries of a ZIP as [name, bytes when unpacked, is a folder]. limits: entries, unpacked (bytes)."""
    confine()
    with open_archive(data, limits) as packed:
        entries = packed.infolist()
        if any(one.flag_bits & 1 for one in entries):
            raise Refused("encrypted")
        return [[one.filename, one.file_size, one.is_dir()] for one in entries], []


def members(data: bytes, limits: Limits) -> tuple[Any, Iterator[bytes]]:
    """The content of some entries of a ZIP, one after the other. limits: entries,
    unpacked, chosen (places), most (bytes).
    """
    confine()
    packed = open_archive(data, limits)
    entries = packed.infolist()

    def contents() -> Iterator[bytes]:
        for place in limits["chosen"]:
            with packed.open(entries[place]) as member:
                content = member.read(limits["most"] + 1)
            yield struct.pack("!I", len(content)) + content

    return None, contents()


def office(data: bytes, limits: Limits) -> tuple[Any, list[bytes]]:
    """The names of the parts of an office file. limits: entries, unpacked (bytes)."""
    confine()
    with open_archive(data, limits) as package:
        return package.namelist(), []


def pdf(data: bytes, limits: Limits) -> tuple[Any, list[bytes]]:
    """Refuse a PDF that can act, is encrypted, or carries files. limits: objects."""
    import pikepdf

    confine()
    try:
        with pikepdf.open(io.BytesIO(data), suppress_warnings=True) as document:
            if document.is_encrypted:
                raise Refused("encrypted")
            if not len(document.pages):
                raise Refused("damaged")
            if len(document.objects) > limits["objects"]:
                raise Refused("objects")
            look_at(document.trailer, pikepdf)
            for one in document.objects:
                look_at(one, pikepdf)
    except pikepdf.PasswordError:
        raise Refused("encrypted") from None
    except pikepdf.PdfError:
        raise Refused("damaged") from None
    # An object that no table names, as a viewer that repairs files would find it.
    text = re.sub(rb"#([0-9A-Fa-f]{2})", lambda found: bytes([int(found[1], 16)]), data)
    if re.search(rb"/(JavaScript|Launch|Encrypt)\b", text):
        raise Refused("active")
    return None, []


def signature(data: bytes, limits: Limits) -> tuple[Any, list[bytes]]:
    """Tell who signed a PDF, and if it is as it was signed. limits: certificates (DER in hexadecimal), which are ours.

    Value: ["unsigned"], ["foreign"], ["altered"], or ["ours", the contact that the signature names].
    """
    import pikepdf
    from asn1crypto import algos, cms, core, pem, tsp, x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509 import load_der_x509_certificate

    assert all((algos, core, pem, tsp, x509))  # loaded before no file can be opened any more
    ours = [load_der_x509_certificate(bytes.fromhex(one)).public_key() for one in limits["certificates"]]
    confine()
    ranges = re.findall(rb"/ByteRange\s*\[\s*0\s+(\d{1,9})\s+(\d{1,9})\s+(\d{1,9})\s*\]", data)
    if not ranges:
        return ["unsigned"], []
    end, start, length = map(int, ranges[-1])
    packed = re.fullmatch(rb"<((?:[0-9A-F]{2})*)>", data[end:start])
    if packed is None:
        return ["foreign"], []
    try:
        container = bytes.fromhex(packed[1].decode())
        signed = cms.ContentInfo.load(container)
        signer = signed["content"]["signer_infos"][0]
        attributes, value = signer["signed_attrs"].untag().dump(), signer["signature"].native
        digest = next(
            one["values"][0].native for one in signer["signed_attrs"] if one["type"].native == "message_digest"
        )
    except (ValueError, TypeError, KeyError, IndexError):
        return ["foreign"], []
    if not any(_has_signed(key, value, attributes, (rsa, ec, padding, hashes)) for key in ours):
        return ["foreign"], []
    rest = container[len(signed.dump()) :]
    if rest.strip(b"\0") or start + length != len(data) or hashlib.sha256(data[:end] + data[start:]).digest() != digest:
        return ["altered"], []
    with pikepdf.open(io.BytesIO(data), suppress_warnings=True) as document:
        fields = [field for field in document.Root.AcroForm.Fields if field.get("/FT") == "/Sig"]
        return ["ours", str(fields[-1].V.get("/ContactInfo", ""))[:500]], []


def _has_signed(key: Any, value: bytes, attributes: bytes, modules: tuple[Any, ...]) -> bool:
    from cryptography.exceptions import InvalidSignature

    rsa, ec, padding, hashes = modules
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, attributes, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, attributes, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def look_at(one: Any, pikepdf: Any, depth: int = 0) -> None:
    """Refuse what acts in one object; what it refers to is looked at in its turn."""
    if depth > DEEPEST:
        raise Refused("objects")
    if isinstance(one, pikepdf.Array):
        inside = [item for item in one if not getattr(item, "is_indirect", False)]
    elif isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
        names = set(one.keys())
        kinds = {str(one[key]) for key in ("/S", "/Subtype") if isinstance(one.get(key), pikepdf.Name)}
        is_elsewhere = isinstance(one, pikepdf.Stream) and "/F" in names  # a stream whose bytes another file holds
        if is_elsewhere or names & ACTIVE_KEYS or kinds & (ACTIVE_TYPES | ANNOTATIONS) or "/JavaScript" in names:
            raise Refused("active")
        inside = [value for _, value in one.items() if not getattr(value, "is_indirect", False)]
    else:
        return
    for value in inside:
        look_at(value, pikepdf, depth + 1)


ZIP_FAULTS = (
    zipfile.BadZipFile,
    zipfile.zlib.error,  # type: ignore[attr-defined]
    KeyError,
    IndexError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    OSError,
    ValueError,
)


def open_archive(data: bytes, limits: Limits) -> zipfile.ZipFile:
    """A ZIP within its limits; entries are counted before the directory is read, which alone could fill the memory."""
    if data.count(ENTRY) > limits["entries"]:
        raise Refused("entries")
    try:
        packed = zipfile.ZipFile(io.BytesIO(data))
    except ZIP_FAULTS:
        raise Refused("no_archive") from None
    if sum(one.file_size for one in packed.infolist()) > limits["unpacked"]:
        raise Refused("unpacked")
    return packed


def unpack(data: bytes, limits: Limits, etree: Any) -> tuple[bytes, SheetReader]:
    """The workbook without compression, and what the cells of its first sheet do not tell."""
    if data.count(ENTRY) > limits["entries"]:
        raise Refused("entries")
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as plain:
        names = packed.namelist()
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            raise Refused("macros")
        if "xl/workbook.xml" not in names:
            raise Refused("no_workbook")
        if sum(one.file_size for one in packed.infolist()) > limits["unpacked"]:
            raise Refused("unpacked")
        reader = SheetReader(limits)
        read_xml(packed, first_sheet(packed, etree), reader, etree)
        for name in dict.fromkeys(names):
            plain.writestr(name, packed.read(name))
    return out.getvalue(), reader


class SheetReader:
    """Reads a sheet element by element and keeps only what a cell's value does not tell."""

    def __init__(self, limits: Limits) -> None:
        self.limits, self.special, self.merged = limits, dict[tuple[int, int], Any](), list[str]()
        self.hidden = set[int]()
        self.elements, self.cells, self.row, self.column, self.in_cell = 0, 0, -1, -1, False

    def start(self, tag: str, attributes: Any) -> None:
        self.elements += 1
        if self.elements > 4 * self.limits["cells"]:  # a cell has a value and perhaps a formula inside
            raise Refused("cells")
        name = tag.rpartition("}")[2]
        if name == "row":
            self.row, self.column = int(attributes.get("r") or self.row + 2) - 1, -1
            if attributes.get("hidden") in ("1", "true"):
                self.hidden.add(self.row)
        elif name == "c":
            self._begin_cell(attributes)
        elif name == "f" and self.in_cell:
            self.special[self.row, self.column] = ["formula"]
        elif name == "mergeCell":
            self.merged.append(str(attributes.get("ref")))
            if len(self.merged) > self.limits["merged"]:
                raise Refused("merged")
        if name != "c" and self.in_cell and self._is_far():
            raise Refused("far")

    def _begin_cell(self, attributes: Any) -> None:
        self.cells += 1
        if self.cells > self.limits["cells"]:
            raise Refused("cells")
        self.row, self.column = place(attributes.get("r"), self.row, self.column + 1)
        self.in_cell = True
        if attributes.get("t") == "e":
            self.special[self.row, self.column] = ["error"]

    def _is_far(self) -> bool:
        return not 0 <= self.row < self.limits["rows"] or self.column >= self.limits["columns"]

    def end(self, tag: str) -> None:
        if tag.rpartition("}")[2] == "c":
            self.in_cell = False

    def close(self) -> None:
        """The end of the sheet."""


def read_xml(packed: zipfile.ZipFile, name: str, target: Any, etree: Any) -> Any:
    """Feed a part to a target, piece by piece; no tree is built. Entities are not resolved."""
    parser = etree.XMLParser(target=target, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    with packed.open(name) as part:
        while piece := part.read(PIECE):
            parser.feed(piece)
    return parser.close()


class Attributes:
    """Collects the attributes of the elements of one name."""

    def __init__(self, name: str) -> None:
        self.name, self.found = name, list[dict[str, str]]()

    def start(self, tag: str, attributes: Any) -> None:
        if tag.rpartition("}")[2] == self.name:
            self.found.append(dict(attributes))
            if len(self.found) > PIECE:
                raise Refused("cells")

    def end(self, tag: str) -> None:
        """Attributes stand at the start."""

    def close(self) -> list[dict[str, str]]:
        return self.found


def first_sheet(packed: zipfile.ZipFile, etree: Any) -> str:
    """Find the first sheet: the workbook names a relation, the relation a file."""
    first = read_xml(packed, "xl/workbook.xml", Attributes("sheet"), etree)[0]
    [key] = [value for name, value in first.items() if name.endswith("}id")]
    relations = read_xml(packed, "xl/_rels/workbook.xml.rels", Attributes("Relationship"), etree)
    target = {one.get("Id"): str(one.get("Target")) for one in relations}[key]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def joined(references: list[str], rows: int, limits: Limits) -> dict[tuple[int, int], tuple[int, int]]:
    """The first cell of each cell that is joined to one before it, as far as there are rows."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for one in references:
        first, _, last = one.partition(":")
        (top, left), (bottom, right) = place(first, 0, 0), place(last or first, 0, 0)
        bottom, right = min(bottom, rows - 1), min(right, limits["columns"])
        if len(found) + max(0, bottom - top + 1) * max(0, right - left + 1) > limits["merged"]:
            raise Refused("merged")
        found |= {(row, column): (top, left) for row in range(top, bottom + 1) for column in range(left, right + 1)}
        found.pop((top, left), None)
    return found


def place(reference: str | None, row: int, column: int) -> tuple[int, int]:
    """``B3`` → (2, 1); without a reference the cell follows the one before."""
    if reference is None:
        return row, column
    match = re.fullmatch(r"\$?([A-Z]{1,3})\$?(\d{1,7})", reference)
    if match is None:
        raise ValueError(reference)
    at = 0
    for letter in match[1]:
        at = at * 26 + ord(letter) - 64
    return int(match[2]) - 1, at - 1


def as_json(cell: Any) -> Any:
    """Blanks are null; a number of whole value is an integer."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float):
        return (int(cell) if cell.is_integer() else cell) if abs(cell) < 1e300 else ["other", str(cell)]
    if cell is None or isinstance(cell, bool | int):
        return cell
    if isinstance(cell, datetime):
        return ["datetime", cell.isoformat()]
    if isinstance(cell, date):
        return ["date", cell.isoformat()]
    return ["other", str(cell)]


def confine() -> None:
    """Give up everything but the file that is already open; called once what the operation imports is there."""
    codecs.lookup("cp437")  # of names in a ZIP; Python would load it later, from a file
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # 0, 1 and 2 are taken: no file and no connection can be opened


def definitions(data: bytes, limits: Limits) -> tuple[Any, list[bytes]]:
    """Refuse files of a bundle that cost more to read than they weigh; what is wrong in them is not looked at.

    limits: files (name and size of each, in their order), depth, elements, text (characters of one text), encodings.
    """
    import yaml
    from lxml import etree

    for needed in limits["encodings"]:
        codecs.lookup(needed)
    confine()
    at = 0
    for name, size in limits["files"]:
        content, at = data[at : at + size], at + size
        try:
            if name.endswith(".form"):
                measure_json(json.loads(content), limits)
            elif name.endswith(".yaml"):
                measure_json(yaml.safe_load(content), limits)
            else:
                measure_xml(content, limits, etree)
        except (Refused, RecursionError):
            raise Refused("deep", file=name) from None
        except (etree.XMLSyntaxError, yaml.YAMLError, ValueError, LookupError):
            continue  # told with its line by who checks it
    return None, []


def measure_xml(content: bytes, limits: Limits, etree: Any) -> None:
    """Refuse a tree that is too deep, too large, or has too long a text."""
    found = DECLARED.match(content[:400].removeprefix(codecs.BOM_UTF8))
    is_wide = content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    name = "utf-16" if is_wide else found[2].decode().lower() if found else "utf-8"
    if name not in limits["encodings"]:
        return  # is not read at all
    text = content.decode(name).removeprefix("\ufeff")
    if found or is_wide:
        text = re.sub(r"^\s*<\?xml\b[^>]*\?>", "", text, count=1)
    parser = etree.XMLParser(encoding="utf-8", resolve_entities=False, load_dtd=False, no_network=True)
    depth = count = 0
    for event, node in etree.iterwalk(etree.fromstring(text.encode(), parser), events=("start", "end")):
        depth += 1 if event == "start" else -1
        count += event == "start"
        longest = max(map(len, (node.text or "", node.tail or "", *map(str, node.attrib.values()))))
        if depth > limits["depth"] or count > limits["elements"] or longest > limits["text"]:
            raise Refused("deep")


def measure_json(value: Any, limits: Limits) -> None:
    """Refuse values that are too deep, too many, or too long."""
    todo, count = [(value, 1)], 0
    while todo:
        one, depth = todo.pop()
        count += 1
        inside = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        longest = 0 if inside else len(str(one))
        if depth > limits["depth"] or count > limits["elements"] or longest > limits["text"]:
            raise Refused("deep")
        todo += [(item, depth + 1) for item in inside]


OPERATIONS: dict[str, Callable[[bytes, Limits], tuple[Any, Any]]] = {
    "photo": photo,
    "sheet": sheet,
    "table": table,
    "archive": archive,
    "members": members,
    "office": office,
    "definitions": definitions,
    "pdf": pdf,
    "signature": signature,
}


def answer(out: BinaryIO, operation: str, limits: Limits, data: bytes) -> None:
    """Write the answer to one file."""
    try:
        value, pieces = OPERATIONS[operation](data, limits)
    except Refused as refused:
        value, pieces = None, []
        reply = ["refused", refused.reason, refused.facts]
    except MemoryError:
        os._exit(1)
    except Exception:
        reply, pieces = ["refused", "damaged", {}], []
    else:
        reply = ["ok", value]
    out.write(json.dumps(reply).encode() + b"\n")
    for piece in pieces:
        out.write(piece)
    out.flush()


def main(operation: str, limits: str, megabytes: str, seconds: str) -> None:
    """Bound memory and CPU time, let everybody else go first, then read the file and answer."""
    os.nice(NICE)
    memory = int(megabytes) << 20
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (int(seconds), int(seconds)))
    answer(sys.stdout.buffer, operation, json.loads(limits), sys.stdin.buffer.read())
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
