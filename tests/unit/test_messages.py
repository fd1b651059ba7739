"""Messages as JSON, as batches, imports and notices keep them."""

from __future__ import annotations

import json
from datetime import date

from service.errors import Message


def test_a_message_with_a_message_in_it_comes_back_as_it_was() -> None:
    said = Message("“%(name)s”：%(why)s", name="照片.jpg", why=Message("最多 %(most)s 个文件。", most=3))
    assert Message.from_json(json.loads(json.dumps(said.to_json()))) == said


def test_values_that_json_does_not_know_become_text() -> None:
    packed = Message("自 %(day)s 起", day=date(2026, 3, 2)).to_json()
    assert packed == ["自 %(day)s 起", {"day": "2026-03-02"}]
    assert str(Message.from_json(packed)) == "自 2026-03-02 起"
