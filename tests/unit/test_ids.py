"""Ids of rows: a UUIDv7 whose order is that of its making."""

from __future__ import annotations

from service.models.db.ids import new_id


def test_ids_of_one_process_sort_in_the_order_of_their_making() -> None:
    previous = new_id()
    for _ in range(2000):
        current = new_id()
        while current.int >> 64 == previous.int >> 64:  # made within the same quarter of a microsecond
            current = new_id()
        assert previous < current
        previous = current


def test_an_id_is_a_uuid_of_version_7() -> None:
    made = new_id()
    assert (made.version, made.variant) == (7, "specified in RFC 4122")
