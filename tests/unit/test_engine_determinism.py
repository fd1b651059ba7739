"""The same journal gives the same steps under every hash seed, time zone, drawing and thread.

Where unmodified SpiffWorkflow, run in a process of its own, follows BPMN, the engine opens the same tasks.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.engine import read_definition
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_play import AT, Play
from tests.unit.engine_shapes import Shape, shape
from tests.unit.engine_walk import Walk

ROOT = Path(__file__).resolve().parents[2]
SPIFF_WALKS = Path(__file__).with_name("engine_spiff_walks.py")
_WALKS = """
import hashlib
from service.engine import read_definition
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_walk import Walk
found = hashlib.sha256()
for drawn in SHAPES:
    definition = read_definition(drawn.files, drawn.name, validate=False)
    for seed in range(4):
        walk = Walk(definition, seed, drawn.data)
        walk.reference = None
        for row in walk.run().rows:
            found.update(row["hash"].encode() + walk.state)
print(found.hexdigest())
"""


def python(source: str, given: str = "", **environment: str) -> str:
    command = [sys.executable, "-c", source]
    done = subprocess.run(
        command, input=given, capture_output=True, text=True, check=True, cwd=ROOT, env=dict(os.environ) | environment
    )
    return done.stdout.strip()


def test_neither_hash_seed_nor_time_zone_matters() -> None:
    worlds = ({"PYTHONHASHSEED": "1", "TZ": "UTC"}, {"PYTHONHASHSEED": "77", "TZ": "America/New_York"})
    with ThreadPoolExecutor() as both:  # the interpreters start and walk side by side
        one, other = both.map(lambda environment: python(_WALKS, **environment), worlds)
    assert len(one) == 64
    assert one == other


def test_moving_shapes_changes_nothing() -> None:
    drawn = next(drawn for drawn in SHAPES if drawn.name == "parallel")
    found = []
    for order in (1, -1):
        text = drawn.files["parallel.bpmn"].decode()
        names = re.findall(r'<bpmn:(?:userTask|\w+Gateway|\w+Event) id="(\w+)"', text)[::order]
        shapes = "".join(
            f'<bpmndi:BPMNShape id="{name}_di" bpmnElement="{name}"><dc:Bounds x="{n}" y="{n * 50}" width="10" height="10"/></bpmndi:BPMNShape>'
            for n, name in enumerate(names)
        )
        plane = (
            '<bpmndi:BPMNDiagram xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" id="dia">'
            f'<bpmndi:BPMNPlane id="plane" bpmnElement="parallel">{shapes}</bpmndi:BPMNPlane></bpmndi:BPMNDiagram></bpmn:definitions>'
        )
        moved = Shape("parallel", {"parallel.bpmn": text.replace("</bpmn:definitions>", plane).encode()}, drawn.data)
        definition = read_definition(moved.files, validate=False)
        walks = [Walk(definition, seed, drawn.data).run() for seed in range(5)]
        found.append([[(row["trace"], row["opened"], row["closed"]) for row in walk.rows] for walk in walks])
    assert found[0] == found[1]


def test_a_definition_is_parsed_once_and_known_by_its_contents() -> None:
    drawn = shape("case", "s start\na user\ne end", "s>a>e")
    one = read_definition(drawn.files)
    assert read_definition(dict(drawn.files)) is one
    assert read_definition({"other.bpmn": drawn.files["case.bpmn"]}).digest != one.digest
    assert (one.process, one.main, one.topics, one.forms) == ("case", "case.bpmn", (), ())
    assert one.elements["a"].type == "userTask"
    assert len(one.digest) == 64


def test_only_what_moved_is_told_again() -> None:
    case = Play(
        shape("case", "s start\nf and\na user\nb user\nt catch-timer P1D\nj and\ne end", "s>f>a>j; f>b>j; f>t>j; j>e")
    )
    case.start()
    done = case.complete("a")
    assert (done.opened, len(done.closed), done.jobs_set, done.jobs_cleared) == ((), 1, (), ())


ALIKE = [
    drawn for drawn in SHAPES if drawn.name in ("loop_back", "parallel", "inclusive", "terminated", "uneven_merge")
]
ALIKE.append(
    shape(
        "nested",
        "s start\nf and\np sub\na user\nj and\nz user\ne end",
        "s>f>p>j; f>a>j; j>z>e",
        inner={
            "p": ("ps start\npf or\npa user\npq sub\npj or\npe end", "ps>pf>[x > 0]pa>pj; pf>[*]pq>pj; pj>pe"),
            "pq": ("qs start\nqa user\nqg xor\nqe end\nqt end-terminate", "qs>qa>qg>[ok]qe; qg>[*]qt"),
        },
        data={"x": [0, 1], "ok": [True, False]},
    )
)


@pytest.fixture(scope="module")
def spiff_walks() -> dict[str, list]:
    given = {drawn.name: [drawn.files[f"{drawn.name}.bpmn"].decode(), drawn.data] for drawn in ALIKE}
    return json.loads(python(SPIFF_WALKS.read_text(), json.dumps(given)))


@pytest.mark.parametrize("drawn", ALIKE, ids=lambda drawn: drawn.name)
def test_where_spiffworkflow_is_right_the_engine_opens_the_same_tasks(
    drawn: Shape, spiff_walks: dict[str, list]
) -> None:
    for walk, ended in spiff_walks[drawn.name]:
        case = Play(drawn)
        case.at = AT
        for chosen, given, opened in walk:
            if chosen is None:
                done = case.start(**given)
            else:
                element = next(path for path in case.open if path.rsplit("/", 1)[-1] == chosen)
                done = case.complete(element, **given)
            assert sorted(path.rsplit("/", 1)[-1] for path in case.open) == opened
        assert done.ended == ended
