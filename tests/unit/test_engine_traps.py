"""Traps of SpiffWorkflow when a case runs; those refused at deployment are tested with the validation."""

from __future__ import annotations

import json
import re
import threading
from datetime import UTC, datetime

import pytest
import time_machine
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.workflow import Workflow

from service.engine import (
    BpmnError,
    StepError,
    journal,
    read_definition,
    replay,
)
from service.engine.bpmn import step_context
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_play import Play, play
from tests.unit.engine_shapes import shape
from tests.unit.engine_walk import Walk

SEVERAL_STARTS = shape("several", "s start-message one\nt start-message two\nu user\ne end", "s>u>e; t>u")
LIBRARY_SUFFIXES = (
    ".BoundaryEventSplit",
    ".BoundaryEventJoin",
    ".EndJoin",
    ".End",
    "_child",
    ".child",
    "_split",
    ".Start",
)
LOOP = ("s start\na user\ng xor\nn script n = n + 1\ne end", "s>a>g>[done]e; g>[*]n>a")
PAIR = ("s start\nf and\na user\nb user\nj and\nz user\ne end", "s>f>a>j; f>b>j; j>z>e")


def test_trap_1_rows_survive_jsonb_which_reorders_keys() -> None:
    case = play("s start\na user\nx script z = [k for k in y]\ne end", "s>a>x>e")
    case.start(y={"b": 1, "a": {"d": [1], "c": None}})
    case.complete("a", y={"zz": 1, "bb": 2, "a": 3})
    stored = [
        dict(sorted(json.loads(json.dumps(row, sort_keys=True)).items(), key=lambda p: len(p[0]))) for row in case.rows
    ]
    assert journal.verify_chain(stored) is None
    assert replay.re_execute(stored, lambda digest: case.definition) == []
    assert case.last.data["z"] == ["a", "bb", "zz"]


def test_trap_2_a_loop_of_500_turns_ends_and_costs_the_same_at_every_turn() -> None:
    case = play(*LOOP)
    case.start(n=0, done=False)
    sizes = [len(case.complete("a", done=False).state) for _ in range(500)]
    assert max(sizes) - min(sizes) <= 12
    assert case.complete("a", done=True).ended
    assert case.last.data["n"] == 500


def test_trap_2_a_reference_run_verifies_a_loop_of_400_turns() -> None:
    case = play(*LOOP)
    case.start(n=0, done=False)
    for _ in range(400):
        case.complete("a", done=False)
    case.complete("a", done=True)
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []


def test_trap_3_a_field_called_typename_is_a_field() -> None:
    case = play("s start\na user\nb user\ne end", "s>a>b>e")
    case.start(typename="BpmnWorkflow")
    case.complete("a", form={"typename": "Task", "value": 1})
    assert case.complete("b").data == {"typename": "BpmnWorkflow", "form": {"typename": "Task", "value": 1}}


@pytest.mark.parametrize(("first", "then"), [(1, True), (True, 1), (0, False), (False, 0), ([1], [True])])
def test_trap_3_one_and_true_stay_apart(first: object, then: object) -> None:
    case = play("s start\na user\nb user\nc user\ne end", "s>a>b>c>e")
    case.start(x=first)
    before = case.complete("a", x=first).data_digest
    after = case.complete("b", x=then)
    assert after.data_digest != before
    assert json.dumps(after.data) == json.dumps({"x": then})
    assert json.dumps(case.complete("c").data) == json.dumps({"x": then})


def test_trap_3_what_a_script_changes_inside_a_value_is_a_write_that_other_branches_see() -> None:
    case = play(
        "s start\nf and\na user\nx script d['n'] = 1\nb user\ny script e = d.get('n')\nj and\nz user\nend end",
        "s>f>a>x>j; f>b>y>j; j>z>end",
    )
    case.start(d={"m": 0})
    case.complete("a")
    case.complete("b")
    assert case.last.data == {"d": {"m": 0, "n": 1}, "e": 1}


def test_trap_3_nested_values_given_to_a_handler_are_its_own() -> None:
    def serve(request):
        request.data["d"]["m"] = 99
        return {}

    case = play("s start\nt service t\na user\ne end", "s>t>a>e", serve)
    assert case.start(d={"m": 0}).data == {"d": {"m": 0}}


def test_trap_3_lists_are_replaced_not_merged() -> None:
    case = play(*PAIR)
    case.start(items=[1, 2, 3, {"k": 1}])
    case.complete("a", items=[3])
    assert case.complete("b").data["items"] == [3]


def test_trap_3_parallel_branches_keep_what_each_wrote_the_later_write_wins() -> None:
    """The rule: data belong to the scope, a branch has none of its own; of two writes the later one counts."""
    case = play(*PAIR)
    case.start(status="new", note="old", both=0)
    case.complete("b", note="from b", both=1)
    case.complete("a", status="from a", both=2)
    assert case.last.data == {"status": "from a", "note": "from b", "both": 2}


def test_trap_3_two_parallel_increments_give_two() -> None:
    case = play(
        "s start\nf and\na user\nx script n = n + 1\nb user\ny script n = n + 1\nj and\ne end",
        "s>f>a>x>j; f>b>y>j; j>e",
    )
    case.start(n=0)
    case.complete("a")
    assert case.complete("b").data == {"n": 2}


def test_trap_4_threads_do_not_disturb_each_other() -> None:
    chosen = [
        drawn for drawn in SHAPES if drawn.name in ("subprocess", "boundaries", "reviewers", "parallel", "listening")
    ]
    alone = {drawn.name: _hashes(drawn) for drawn in chosen}
    found: dict[str, list[str]] = {}
    threads = [threading.Thread(target=lambda d=drawn: found.setdefault(d.name, _hashes(d))) for drawn in chosen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == alone


def _hashes(drawn) -> list[str]:
    definition = read_definition(drawn.files, drawn.name, validate=False)
    return [row["hash"] for seed in range(8) for row in Walk(definition, seed, drawn.data).run().rows]


def test_trap_5_a_handlers_error_passes_unchanged() -> None:
    class Refusal(Exception): ...

    error = Refusal("no seat")

    def serve(request):
        raise error

    with pytest.raises(Refusal) as raised:
        play("s start\nt service t\ne end", "s>t>e", serve).start()
    assert raised.value is error


def test_trap_5_a_bpmn_error_takes_the_boundary_event() -> None:
    def serve(request):
        raise BpmnError("full", data={"seats": 0})

    case = play(
        "s start\nt service t\nb boundary-error t full\nc boundary-error t\nu user\ne end", "s>t>e; b>u>e; c>e", serve
    )
    assert case.start().data == {"seats": 0}
    assert case.open == ["u"]
    assert case.last.trace == ("+s", "-t", "+b", "-c")
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []


def test_trap_5_a_bpmn_error_nobody_catches_fails_the_step() -> None:
    def serve(request):
        raise BpmnError("full")

    with pytest.raises(StepError, match="full") as raised:
        play("s start\nt service t\ne end", "s>t>e", serve).start()
    assert raised.value.element == "t"


def test_trap_6_no_log_extras_are_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    def collect(*_: object) -> None:
        raise AssertionError("the task tree was described for the log")

    for owner in (Task, Workflow, BpmnSubWorkflow):
        monkeypatch.setattr(owner, "collect_log_extras", collect)
    case = play(*PAIR)
    case.start()
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []


def test_trap_7_elements_may_be_called_start_and_end() -> None:
    case = play("Start start\nRoot user\nf and\nb user\nEnd end\nEndJoin end", "Start>f>Root>End; f>b>EndJoin")
    case.start()
    assert not case.complete("Root").ended
    assert case.complete("b").trace == ("+b", "+EndJoin")
    assert case.last.ended


@pytest.mark.parametrize("drawn", [*SHAPES, SEVERAL_STARTS], ids=lambda drawn: drawn.name)
def test_trap_7_no_name_that_is_formed_here_can_be_an_id_in_a_diagram(drawn) -> None:
    """Issue 10.7 (F7): every specification that no element has drawn has a name which XML does not allow for an id."""
    definition = read_definition(drawn.files, drawn.name, validate=False)
    specs = definition.reference_specs
    names = {name for spec in (specs.main, *specs.inner.values()) for name in spec.task_specs}
    assert [name for name in names - set(definition.elements) if re.fullmatch(r"[\w.-]+", name)] == []


@pytest.mark.parametrize("suffix", LIBRARY_SUFFIXES)
def test_trap_7_elements_may_have_the_ids_that_the_library_forms(suffix: str) -> None:
    inner = {"A": ("is start\nu user\nie end", "is>u>ie")}
    case = play(
        f"s start\nA sub *seq 2\nb boundary-timer A PT5S\nA{suffix} user\nz user\ne end",
        f"s>A>z>e; b>A{suffix}>e",
        inner=inner,
    )
    case.start()
    case.complete("A/u")
    case.fire("b")
    assert case.open == [f"A{suffix}"]
    assert case.complete(f"A{suffix}").ended
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []


def test_trap_8_four_parallel_splits_in_a_row_are_sixteen_tokens() -> None:
    case = Play(next(drawn for drawn in SHAPES if drawn.name == "four_splits"))
    case.start(x=0)
    assert case.open == ["a"] * 16
    for _ in range(15):
        assert not case.complete("a").ended
    assert case.complete("a").ended


def test_trap_8_an_error_is_not_caught_by_a_sibling() -> None:
    inner = {"p": ("ps start\npx end-error bad", "ps>px"), "q": ("qs start\nqu user\nqe end", "qs>qu>qe")}
    case = play(
        "s start\nf and\nq sub\nbq boundary-error q bad\nw user\nu user\np sub\ne end",
        "s>f>q>e; f>u>p>e; bq>w>e",
        inner=inner,
    )
    case.start()
    assert case.open == ["u", "q/qu"]
    done = case.complete("u")
    assert done.ended
    assert done.trace[-1] == "!p/px"
    assert "+bq" not in done.trace


def test_trap_8_an_interrupted_subprocess_runs_no_further_script() -> None:
    inner = {"p": ("ps start\npt throw-signal stop\npx script ran = 1\npe end", "ps>pt>px>pe")}
    case = play("s start\np sub\nb boundary-signal p stop\nu user\ne end", "s>p>e; b>u>e", inner=inner)
    case.start()
    assert case.open == ["u"]
    assert "ran" not in case.last.data


def test_trap_9_timers_are_iso_8601_without_quotes() -> None:
    case = play("s start\nt catch-timer PT1S\nu user\ne end", "s>t>u>e")
    (job,) = case.start().jobs_set
    assert (job.due - case.at).total_seconds() == 1
    assert case.fire("t").opened[0].element == "u"


def test_trap_9_no_wall_clock_is_read() -> None:
    states = []
    for year in (1999, 2031):
        with time_machine.travel(datetime(year, 1, 1, tzinfo=UTC)):
            case = Play(next(drawn for drawn in SHAPES if drawn.name == "boundaries"))
            case.start(x=1, ok=True, note="n")
            case.fire("r")
            states.append((case.state, case.rows))
    assert states[0] == states[1]


def test_trap_11_a_process_that_calls_itself_is_bounded() -> None:
    with pytest.raises(StepError, match="20"):
        play("s start\nc call case\ne end", "s>c>e").start()


def test_trap_11_a_process_that_calls_itself_behind_a_decision_ends_or_is_bounded() -> None:
    """Issue 10.7: the gate accepts it; a call without parameters works on its caller's variables."""
    drawn = shape("case", "s start\ng xor\nm script n = n - 1\nc call case\ne end", "s>g>[n > 0]m>c>e; g>[*]e")
    definition = read_definition(drawn.files, deployment_rules=False)
    case = Play(definition)
    assert case.start(n=5).data == {"n": 0}
    assert case.last.ended
    assert replay.re_execute(case.rows, lambda digest: definition) == []
    with pytest.raises(StepError, match="20"):
        Play(definition).start(n=25)


@pytest.mark.parametrize("count", ["1000000000", "n", "-1", "'many'"])
def test_trap_11_a_cardinality_beyond_bounds_fails_at_once(count: str) -> None:
    for kind in ("par", "seq"):
        with pytest.raises(StepError):
            play(f"s start\na user *{kind} {count}\ne end", "s>a>e").start(n=10**9)


def test_trap_11_a_chain_of_a_thousand_tasks_runs() -> None:
    names = [f"t{n}" for n in range(1000)]
    nodes = (
        "s start\n" + "\n".join(f"{name} script n = {place}" for place, name in enumerate(names)) + "\nu user\ne end"
    )
    case = play(nodes, f"s>{'>'.join(names)}>u>e")
    assert case.start().data == {"n": 999}
    assert case.complete("u").ended
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []


def test_trap_11_a_loop_without_exit_is_an_incident_after_two_seconds_of_work(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (step_context.MAX_SECONDS, step_context.MAX_AUTOMATIC) == (2, 10_000)
    elements, cpu = (("MAX_AUTOMATIC", 1_000), ("MAX_SECONDS", 60)), (("MAX_SECONDS", 0.3), ("MAX_AUTOMATIC", 10**9))
    for script, limits, bound in (
        ("n = 1", elements, "1000 个元素"),
        ("n = [i for i in range(1000)]", cpu, "0.3 秒以上的 CPU"),
    ):
        for name, limit in limits:
            monkeypatch.setattr(step_context, name, limit)
        with pytest.raises(StepError, match=bound):
            play(f"s start\na xor\nx script {script}\nb xor\ne end", "s>a>x>b>[*]a; b>[False]e").start()


def test_trap_12_diagrams_are_bytes_in_any_encoding() -> None:
    drawn = shape("p", "s start\nu user %summary=\"'张三'\"\ne end", "s>u>e")
    text = drawn.files["p.bpmn"].decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    drawn.files["p.bpmn"] = text.encode("utf-16")
    assert Play(drawn).start().opened[0].summary == "张三"


@pytest.mark.parametrize(
    "escape",
    [
        "().__class__.__bases__[0].__subclasses__()",
        '__import__("os").getpid()',
        'open("/etc/hostname").read()',
        'getattr(x, "__cl" + "ass__")',
        '"{0.__class__}".format(x)',
        "[g for g in [1]].gi_frame",
        'eval("1")',
        'exec("1")',
    ],
)
def test_trap_13_conditions_and_scripts_do_not_escape(escape: str) -> None:
    with pytest.raises(StepError):
        play(f"s start\na script r = {escape}\nu user\ne end", "s>a>u>e").start(x=1)
    with pytest.raises(StepError):
        play(
            "s start\ng xor\nu user\ne end", f"s>g>[{escape.replace('[', '(').replace(']', ')')} == 1]u>e; g>[*]e"
        ).start(x=1)
