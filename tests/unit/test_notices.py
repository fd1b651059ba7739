"""Bulletins' rules and their text: what may be done in which state, what is cleaned away, which files are what they say."""

from __future__ import annotations

import io
import zipfile

import pikepdf
import pytest

from service.domain.accounts.roles import Role
from service.domain.notices.attachments import MAX_NAME_LENGTH, clean_name
from service.domain.notices.notices import (
    NoticeState,
    check_roles,
    obstacle_to_deletion,
    obstacle_to_editing,
    obstacle_to_withdrawal,
)
from service.errors import InvalidInput
from service.infrastructure import rich_text
from service.workflow.attachments import check_attachment
from tests.builders.documents import pdf

MB = 1024 * 1024
PDF = pdf({"/PieceInfo": "<<>>"}, object_stream_mode=pikepdf.ObjectStreamMode.disable)


def office(part: str, *more: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name in ("[Content_Types].xml", part, *more):
            package.writestr(name, "<x/>")
    return out.getvalue()


def test_r68_only_drafts_are_changed_or_deleted_and_only_the_published_withdrawn() -> None:
    for state in NoticeState:
        is_draft = state is NoticeState.DRAFT
        assert (obstacle_to_editing(state) is None) == is_draft
        assert (obstacle_to_deletion(state) is None) == is_draft
        assert (obstacle_to_withdrawal(state) is None) == (state is NoticeState.PUBLISHED)


def test_a_province_speaks_to_units_the_association_to_everybody() -> None:  # S110
    check_roles(Role.PROVINCIAL_AUTHORITY, ["group", "enterprise"])
    check_roles(Role.ASSOCIATION, ["training_institution", "provincial_authority"])
    for author, role in ((Role.PROVINCIAL_AUTHORITY, "association"), (Role.ASSOCIATION, "sys_admin")):
        with pytest.raises(InvalidInput) as refused:
            check_roles(author, [role])
        assert "roles" in refused.value.fields


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("<p onclick='x()'>a</p>", "<p>a</p>"),
        ("<script>alert(1)</script><b>b</b>", "<b>b</b>"),
        ("<a href='javascript:alert(1)'>c</a>", '<a rel="noopener noreferrer nofollow">c</a>'),
        ("<img src=x onerror=alert(1)>d", "d"),
        ("<p style='position:fixed'>e</p><style>*{}</style>", "<p>e</p>"),
        ("<svg><script>1</script></svg>f<iframe src='//x'></iframe>", "f"),
        ("<form action='/x'><input name=a>g</form>", "g"),
        ("<a href='//evil.example/x'>h</a>", '<a rel="noopener noreferrer nofollow">h</a>'),
        ("<a href='/\t\\\\evil.example'>h</a>", '<a rel="noopener noreferrer nofollow">h</a>'),
        ("<a href='\\\\evil.example'>h</a>", '<a rel="noopener noreferrer nofollow">h</a>'),
        ("<a href='/notices'>h</a>", '<a href="/notices" rel="noopener noreferrer nofollow">h</a>'),
    ],
)
def test_nothing_but_plain_marks_survives_the_cleaning(typed: str, kept: str) -> None:
    assert rich_text.clean(typed) == kept


def test_marks_and_links_that_are_allowed_stay() -> None:
    markup = '<h2>一</h2><ul><li>甲 <a href="https://example.org/?a=1&amp;b=2" rel="noopener noreferrer nofollow">链接</a></li></ul>'
    assert rich_text.clean(markup) == markup
    assert rich_text.clean(rich_text.clean(markup)) == markup
    assert rich_text.to_plain(markup) == "一\n甲 链接"
    assert rich_text.from_plain("a < b\n\n c") == "<p>a &lt; b</p><p>c</p>"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("通知.pdf", PDF),
        ("表.xlsx", office("xl/workbook.xml")),
        ("文.docx", office("word/document.xml")),
        ("图.PNG", b"\x89PNG\r\n\x1a\n....IEND\xaeB`\x82"),
        ("照.jpg", b"\xff\xd8\xff\xe0....\xff\xd9"),
    ],
)
def test_documents_that_are_what_their_name_says_are_taken(name: str, data: bytes) -> None:
    assert check_attachment(name, data, MB)[0] == name


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.exe", b"MZ"),
        ("a.pdf", b"MZ"),
        ("a.docx", office("xl/workbook.xml")),
        ("a.docx", b"PK\x03\x04broken"),
        ("a.docx", office("word/document.xml", "word/vbaProject.bin")),
        ("a.html", b"<script>"),
        ("a.svg", b"<svg/>"),
        ("a.pdf", PDF.replace(b"<< >>", b"<</S/JavaScript>>")),
        ("pdf", PDF),
        (".pdf", PDF),
        ("a.pdf", b""),
        ("a.pdf", PDF + b"0" * MB),
    ],
)
def test_what_is_something_else_too_big_or_carries_programs_is_refused_at_the_field(name: str, data: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_attachment(name, data, MB)
    assert set(refused.value.fields) == {"file"}


def test_a_file_name_loses_folders_and_hidden_characters() -> None:
    assert clean_name("C:\\x\\..\\通知\u202efdp.pdf") == "通知fdp.pdf"
    assert clean_name("../../etc/a.pdf") == "a.pdf"
    assert len(clean_name("长" * 300 + ".pdf")) == MAX_NAME_LENGTH
    assert clean_name("长" * 300 + ".pdf").endswith(".pdf")
