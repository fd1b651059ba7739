"""Maps of processes: ways that coincide without their gateways are one variant, and counts are those of the cases."""

from __future__ import annotations

import json
import random
from collections import Counter

from service.evidence.event_log.process_map import completed, process_map


def test_cancelled_elements_are_no_part_of_a_way() -> None:
    assert completed('["+a", "-b"]["+sub/c"]') == ["a", "c"]


def test_counts_are_those_of_the_cases_whatever_their_ways() -> None:
    chance = random.Random(7)
    cases = [[chance.choice("abcg") for _ in range(chance.randint(0, 6))] for _ in range(500)]
    grouped = Counter(json.dumps([f"+{step}" for step in case]) for case in cases)
    found = process_map(((way, count, way) for way, count in grouped.items()), lambda element: element != "g")
    assert found.cases == 500
    assert found.passes == Counter(step for case in cases for step in case)
    assert found.cases_at == Counter(step for case in cases for step in set(case))
    assert +found.rework == Counter(step for case in cases for step in set(case) if case.count(step) > 1)
    expected = Counter(tuple(step for step in case if step != "g") for case in cases)
    assert {one.elements: one.cases for one in found.variants} == expected
    assert [one.cases for one in found.variants] == sorted(expected.values(), reverse=True)
    assert all(tuple(step for step in completed(one.example) if step != "g") == one.elements for one in found.variants)
