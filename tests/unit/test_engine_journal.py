"""The journal: whatever is changed, deleted, inserted, swapped or forged is found."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from service.engine import Input, StaleToken, journal, replay
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_play import AT, Play

NAME = "张伟"


def told() -> Play:
    """A case with people's data, topic results, decisions, timers and a claim in its journal."""
    case = Play(
        next(drawn for drawn in SHAPES if drawn.name == "waits"),
        lambda request: {"number": "A-1", "name": NAME} if request.topic.endswith("inside") else None,
    )
    case.start(x=1, name=NAME, parts=[{"a": 1}])
    case.fire("t")
    envelope = journal.Envelope("case-1", "u-2", case.rows[-1]["hash"], b"s")
    case.rows.append(journal.note_row(envelope, case.definition, _claim(case), case.rows[-1]))
    case.job("external", "x", grade="good")
    case.job("job", "k")
    case.complete("k", name=NAME, x=4)
    case.message("answered", ok=True)
    return case


def _claim(case: Play) -> Any:
    return Input("claim", len(case.rows), AT, token="1.1", element="x")


CASE = told()


def rows() -> list[dict[str, Any]]:
    return json.loads(json.dumps(CASE.rows))


def definitions(digest: str) -> Any:
    assert digest == CASE.definition.digest
    return CASE.definition


def test_a_true_journal_verifies_and_re_executes() -> None:
    assert CASE.last.ended
    assert journal.verify_chain(rows()) is None
    assert replay.re_execute(rows(), definitions) == []


def test_rows_carry_engine_version_digest_version_and_every_field() -> None:
    for row in rows():
        assert (set(journal.HASHED_FIELDS) - {"shown"}) | {"data", "calls", "digests", "salt", "prev", "hash"} == set(
            row
        )
        assert row["engine"]
        assert row["digest_version"] == 1


def test_a_claim_carries_the_digests_of_the_row_before() -> None:
    claim = next(row for row in rows() if row["kind"] == "claim")
    before = rows()[claim["seq"] - 1]
    assert (claim["shape"], claim["data_digest"], claim["trace"]) == (before["shape"], before["data_digest"], [])


@pytest.mark.parametrize("name", [*journal.HASHED_FIELDS, "digests", "hash", "prev"])
def test_any_changed_field_is_found(name: str) -> None:
    for place in range(len(CASE.rows)):
        forged = rows()
        value = forged[place].get(name)
        forged[place][name] = (
            {"x": "y"}
            if isinstance(value, dict)
            else [*value, "x"]
            if isinstance(value, list)
            else 99
            if isinstance(value, int)
            else f"{value or ''}x"
        )
        assert journal.verify_chain(forged) is not None


def test_a_changed_payload_or_salt_is_found() -> None:
    for place, row in enumerate(CASE.rows):
        for field in row["data"]:
            forged = rows()
            forged[place]["data"][field] = "forged"
            assert journal.verify_chain(forged)
        for n in range(len(row["calls"])):
            for forge in ({"number": "A-2", "name": NAME}, {}):
                forged = rows()
                forged[place]["calls"][n][2] = forge
                assert journal.verify_chain(forged)
        if row["digests"]:
            forged = rows()
            forged[place]["salt"] = "AAAA"
            assert journal.verify_chain(forged)


def test_deleted_inserted_and_swapped_rows_are_found() -> None:
    for place in range(len(CASE.rows)):
        deleted, inserted, swapped = rows(), rows(), rows()
        del deleted[place]
        inserted.insert(place, copy.deepcopy(inserted[place]))
        swapped[place], swapped[place - 1] = swapped[place - 1], swapped[place]
        assert journal.verify_chain(inserted)
        assert journal.verify_chain(swapped)
        assert (journal.verify_chain(deleted) is None) == (place == len(CASE.rows) - 1)  # the case names its last hash


def test_rows_of_another_case_or_no_rows_at_all_do_not_pass() -> None:
    other = rows()
    other[2] = {**other[2], "case": "case-2"}
    assert journal.verify_chain(other)
    assert journal.verify_chain([]) is None
    assert journal.verify_chain([{}])
    assert journal.verify_chain([{**rows()[0], "data": None}])


def test_the_same_payload_has_another_digest_under_another_salt() -> None:
    assert journal.salted(b"a", "data.x", 1) != journal.salted(b"b", "data.x", 1)
    assert journal.salted(b"a", "data.x", 1) != journal.salted(b"a", "data.y", 1)


@pytest.mark.parametrize(
    ("name", "forge"),
    [
        ("trace", lambda row: [*row["trace"], "+x"]),
        ("opened", lambda row: []),
        ("closed", lambda row: ["9.9"]),
        ("jobs", lambda row: []),
        ("decisions", lambda row: "1" + row["decisions"]),
        ("shape", lambda row: "0" * 64),
        ("data_digest", lambda row: "0" * 64),
    ],
)
def test_re_execution_finds_what_a_consistent_forger_would_change(name: str, forge: Any) -> None:
    forged = rows()
    place = next(n for n, row in enumerate(forged) if row["kind"] != "claim" and forge(row) != row[name])
    forged[place][name] = forge(forged[place])
    (told_,) = replay.re_execute(forged, definitions)
    assert name in told_


def test_re_execution_finds_inputs_that_never_had_a_place() -> None:
    without = [row for row in rows() if row["kind"] not in ("timer", "claim")]
    assert "StaleToken" in replay.re_execute(without, definitions)[0]
    unserved = rows()
    place = next(n for n, row in enumerate(unserved) if row["calls"])
    unserved[place]["calls"] = []
    assert "MissingRecordedResult" in replay.re_execute(unserved, definitions)[0]
    with pytest.raises(StaleToken):
        replay.replay_frames(without, definitions)


def test_moments_show_tokens_done_elements_and_data() -> None:
    found = replay.replay_frames(rows(), definitions)
    assert [moment.seq for moment in found] == list(range(len(CASE.rows)))
    assert found[0].tokens == ("t",)
    assert found[1].tokens == ("x",) == found[2].tokens  # not the event on its border
    assert found[2].done == {"s": 1, "t": 1}
    assert found[3].data["grade"] == "good"
    assert found[-1].ended
    assert found[-1].tokens == ()
    assert found[-1].data == CASE.last.data


def test_a_note_that_does_not_carry_what_was_is_found() -> None:
    forged = rows()
    place = next(n for n, row in enumerate(forged) if row["kind"] == "claim")
    forged[place]["shape"] = "0" * 64
    assert "shape" in replay.re_execute(forged, definitions)[0]
