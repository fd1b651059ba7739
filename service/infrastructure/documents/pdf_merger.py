"""Parts of a document as one PDF: pages in their order, with the structure that makes them readable (PDF/A-3a).

Each part is read, written and forgotten: whoever holds all objects of 500 faces needs 2 KB for each of 90,000.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
import zlib
from collections.abc import Callable, Iterable
from itertools import pairwise

import pikepdf

TOKEN = re.compile(rb"\((?:\\.|[^\\()])*\)|<[0-9A-Fa-f]*>|\b\d+ 0 R\b", re.S)
"""As qpdf writes them: a string, in which a reference would be a text, or a reference."""
LENGTH = re.compile(rb"/Length \d+( 0 R)?")
CATALOG, PAGES, METADATA, TREE, PARENTS = range(1, 6)  # numbers of what the parts have in common
PACKED = 200  # objects that are compressed together
FREE, PLAIN, IN_STREAM = range(3)  # where an object stands, as the table says it
Write = Callable[[bytes], bytes]
Place = tuple[int, int, int]


def merge(parts: Iterable[bytes], title: str) -> bytes:
    """Put the pages of the parts one after the other; there must be one, and the first has the catalogue of all."""
    whole = _Whole(title)
    for part in parts:
        with pikepdf.open(io.BytesIO(part)) as document:
            whole.append(document)
    return whole.content()


class _Whole:
    """The pages and the structure, which the last objects of the file name."""

    def __init__(self, title: str) -> None:
        self._title, self._file = title, _File(PARENTS)
        self._pages: list[bytes] = []
        self._structure: list[bytes] = []
        self._parents: list[bytes] = []

    def append(self, part: pikepdf.Pdf) -> None:
        """Write the objects of a part, numbered behind those that are there."""
        root, tree, offset = part.Root, part.Root.StructTreeRoot, len(self._pages)
        common = {root.Pages.objgen[0]: PAGES, tree.objgen[0]: TREE}
        done = {root.objgen[0], root.Metadata.objgen[0], tree.ParentTree.objgen[0], *common}
        if not offset:
            with part.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as said:
                said["dc:title"] = self._title
            done.add(root.Metadata.objgen[0])  # another object
        write = _writer(common, self._file.reserve(max(item.objgen[0] for item in part.objects)))
        for page in part.pages:
            page.obj.StructParents = int(page.obj.StructParents) + offset
            self._pages.append(write(page.obj.unparse()))
        self._take_structure(tree, offset, write)
        if not offset:
            self._begin(root, write)
        for item in part.objects:
            if item.objgen[0] not in done:
                self._put(item, write)

    def content(self) -> bytes:
        """End the file."""
        kids, structure = b" ".join(self._pages), b" ".join(self._structure)
        count, parents = len(self._pages), b" ".join(self._parents)
        self._file.pack(PAGES, b"<< /Type /Pages /Count %d /Kids [ %b ] >>" % (count, kids))
        said = (PARENTS, count, structure)
        self._file.pack(TREE, b"<< /Type /StructTreeRoot /ParentTree %d 0 R /ParentTreeNextKey %d /K [ %b ] >>" % said)
        self._file.pack(PARENTS, b"<< /Nums [ %b ] >>" % parents)
        return self._file.content()

    def _begin(self, root: pikepdf.Object, write: Write) -> None:
        """Write catalogue and metadata, which name the whole."""
        self._file.put_stream(METADATA, b"/Type /Metadata /Subtype /XML", root.Metadata.read_bytes())
        for key in ("/Pages", "/Metadata", "/StructTreeRoot"):
            del root[key]
        own = b"/Pages %d 0 R /Metadata %d 0 R /StructTreeRoot %d 0 R >>" % (PAGES, METADATA, TREE)
        self._file.pack(CATALOG, write(root.unparse(resolved=True)).removesuffix(b">>") + own)

    def _take_structure(self, tree: pikepdf.Object, offset: int, write: Write) -> None:
        kids = list(tree.K) if isinstance(tree.K, pikepdf.Array) else [tree.K]
        self._structure += [write(kid.unparse()) for kid in kids]
        numbers = tree.ParentTree.Nums
        for at in range(0, len(numbers), 2):
            self._parents += [b"%d" % (int(numbers[at]) + offset), write(numbers[at + 1].unparse())]

    def _put(self, item: pikepdf.Object, write: Write) -> None:
        number = int(write(item.unparse()).split()[0])
        if not isinstance(item, pikepdf.Stream):
            self._file.pack(number, write(item.unparse(resolved=True)))
        elif item.stream_dict.get("/Type") not in (pikepdf.Name.XRef, pikepdf.Name.ObjStm):
            said = LENGTH.sub(b"", write(item.stream_dict.unparse(resolved=True)))
            self._file.put_stream(number, said.removeprefix(b"<<").removesuffix(b">>"), item.read_raw_bytes())


def _writer(common: dict[int, int], shift: int) -> Write:
    """Renumber the references of a part."""

    def renumbered(token: re.Match[bytes]) -> bytes:
        if not token[0].endswith(b"R"):
            return token[0]
        number = int(token[0].split()[0])
        return b"%d 0 R" % common.get(number, number + shift)

    return lambda text: TOKEN.sub(renumbered, text)


class _File:
    """Objects, one after the other, and their table; what is no stream is compressed with its neighbours (PDF 1.5)."""

    def __init__(self, last: int) -> None:
        self._out, self._last = io.BytesIO(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), last
        self._places: dict[int, Place] = {0: (FREE, 0, 65535)}
        self._packed: list[tuple[int, bytes]] = []
        self._out.seek(0, io.SEEK_END)

    def reserve(self, count: int) -> int:
        """Keep so many numbers free; returns the one before them."""
        self._last += count
        return self._last - count

    def pack(self, number: int, text: bytes) -> None:
        """Add an object to those that are compressed together."""
        self._packed.append((number, text))
        if len(self._packed) == PACKED:
            self._flush()

    def put_stream(self, number: int, entries: bytes, data: bytes) -> None:
        """Write a stream. entries: of its dictionary, but for the length."""
        self._places[number] = (PLAIN, self._out.tell(), 0)
        self._out.write(
            b"%d 0 obj\n<< %b /Length %d >>\nstream\n%b\nendstream\nendobj\n" % (number, entries, len(data), data)
        )

    def content(self) -> bytes:
        """End the file with its table. The same objects give the same bytes."""
        self._flush()
        table, at = self.reserve(1) + 1, self._out.tell()
        self._places[table] = (PLAIN, at, 0)
        rows = b"".join(struct.pack("!BQH", *self._places[number]) for number in sorted(self._places))
        index = b" ".join(b"%d %d" % run for run in _runs(sorted(self._places)))
        mark = hashlib.sha256(self._out.getbuffer()).hexdigest()[:32].encode()
        said = (CATALOG, table + 1, index, mark, mark)
        self.put_stream(
            table,
            b"/Type /XRef /Root %d 0 R /Size %d /W [ 1 8 2 ] /Index [ %b ] /ID [ <%b> <%b> ] /Filter /FlateDecode"
            % said,
            zlib.compress(rows),
        )
        self._out.write(b"startxref\n%d\n%%%%EOF\n" % at)
        return self._out.getvalue()

    def _flush(self) -> None:
        """Write the objects that wait."""
        if not self._packed:
            return
        number, heads, at = self.reserve(1) + 1, [], 0
        for n, (own, text) in enumerate(self._packed):
            self._places[own] = (IN_STREAM, number, n)
            heads.append(b"%d %d" % (own, at))
            at += len(text) + 1
        head = b" ".join(heads) + b"\n"
        body = b"\n".join(text for _, text in self._packed)
        said = b"/Type /ObjStm /N %d /First %d /Filter /FlateDecode" % (len(self._packed), len(head))
        self._packed = []
        self.put_stream(number, said, zlib.compress(head + body))


def _runs(numbers: list[int]) -> list[tuple[int, int]]:
    """The first and the length of each run of numbers that follow each other."""
    breaks = [0, *(n + 1 for n, (one, other) in enumerate(pairwise(numbers)) if other != one + 1), len(numbers)]
    return [(numbers[begin], end - begin) for begin, end in pairwise(breaks)]
