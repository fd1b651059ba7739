"""The engine as a function: every kind of input, what it opens and closes, and what it refuses."""

from __future__ import annotations

import dataclasses
import re
import time
from datetime import timedelta

import pytest

from service.engine import (
    BpmnError,
    Input,
    Job,
    Request,
    StaleToken,
    StepError,
    ThrownEvent,
    UserTask,
    read_definition,
    replay,
    shape,
    step,
)
from service.engine.kernel.timers import parse_instant
from service.engine.replay import ReferenceRun
from service.errors import DefinitionRefused
from tests.unit.engine_play import AT, Play, play
from tests.unit.engine_shapes import shape as drawn

TASK = """
s start
a user @candidateGroups=${role} @assignee=${who} @dueDate=P2D @followUpDate=${follow} @priority=${70} @formKey=confirm %scope=unit %summary="'第' + str(n) + '号'" %batch=n
e end
"""


def test_a_user_task_opens_with_everything_the_inbox_needs() -> None:
    case = play(TASK, "s>a>e")
    (task,) = case.start(role="office", who=None, follow="2026-03-05", unit="u-7", n=4).opened
    assert task == UserTask(
        token="0.0",
        element="a",
        name="a",
        role="office",
        scope="u-7",
        form_key="confirm",
        assignee=None,
        due=case.at + timedelta(days=2),
        follow_up=parse_instant("2026-03-05"),
        priority=70,
        summary="第4号",
        batch="4",
        instance=None,
    )


def test_readdressing_tells_only_the_tasks_whose_address_changed() -> None:
    case = play(TASK.replace("e end", "f and\nb user %scope=unit\nc user\nj and\ne end"), "s>f>a>j; f>b>j; f>c>j; j>e")
    case.start(role="office", who=None, follow="2026-03-05", unit="u-7", n=4)
    due = next(task.due for task in case.users.values() if task.element == "a")
    assert case.put("readdress", data={"n": 4}).readdressed == ()
    changed = case.put("readdress", data={"unit": "u-8"})
    assert {(task.element, task.scope) for task in changed.readdressed} == {("a", "u-8"), ("b", "u-8")}
    assert changed.opened == changed.closed == ()
    assert next(task.due for task in changed.readdressed if task.element == "a") == due
    assert case.complete("c").data["unit"] == "u-8"


def test_readdressing_reaches_tokens_that_wait_at_a_join() -> None:
    case = play("s start\nf and\na user\nb user\nj and\nz user %scope=unit\ne end", "s>f>a>j; f>b>j; j>z>e")
    case.start(unit="u-1")
    case.complete("a")
    case.put("readdress", data={"unit": "u-2"})
    assert case.complete("b").opened[0].scope == "u-2"


def test_an_external_task_waits_for_its_worker() -> None:
    case = play("s start\nx service print >pages=${count}\nu user\ne end", "s>x>u>e", lambda request: None)
    assert case.start().jobs_set == (Job("0.0", "x", "external", topic="print"),)
    done = case.job("external", "x", count=3)
    assert (done.jobs_cleared, case.open, done.data) == (("0.0",), ["u"], {"pages": 3})


def test_a_worker_may_raise_a_bpmn_error() -> None:
    case = play(
        "s start\nx service print\nb boundary-error x jammed\nu user\ne end", "s>x>e; b>u>e", lambda request: None
    )
    case.start()
    done = case.job("error", "x", code="jammed", tray=2)
    assert (case.open, done.trace, done.data) == (["u"], ("-x", "+b"), {"tray": 2})


def test_an_asynchronous_task_waits_for_its_job() -> None:
    served = []
    case = play(
        "s start\nx service mail @asyncBefore=true\ny user @asyncBefore=true\ne end",
        "s>x>y>e",
        lambda request: served.append(1) or {},
    )
    assert case.start().jobs_set == (Job("0.0", "x", "async"),)
    assert served == []
    assert case.job("job", "x").jobs_set == (Job("1.0", "y", "async"),)
    assert served == [1]
    assert case.job("job", "y").opened[0].element == "y"


def test_messages_reach_the_token_that_waits_longest() -> None:
    case = play(
        "s start\nf and\na user\nm catch-message go\nn catch-message go\nx user\ny user\ne end", "s>f>a>m>x>e; f>n>y>e"
    )
    case.start()
    case.complete("a")
    assert case.last.awaited == ("message:go",)
    assert case.message("go", got=1).opened[0].element == "y"
    assert case.message("go").opened[0].element == "x"
    with pytest.raises(StaleToken):
        case.message("go")


def test_signals_reach_all_and_messages_thrown_leave_the_case() -> None:
    case = play(
        "s start\nf and\nm catch-signal go\nn catch-signal go\nt throw-message told\nu throw-signal out\nj and\nz user\ne end-message bye",
        "s>f>m>j; f>n>j; j>t>u>z>e",
    )
    case.start(x=1)
    done = case.put("signal", element="go", data={"y": 2})
    assert done.trace == ("+m", "+n", "+j", "+t", "+u")
    assert done.sent == (
        ThrownEvent("message", "told", "t", {"x": 1, "y": 2}),
        ThrownEvent("signal", "out", "u", {"x": 1, "y": 2}),
    )
    assert case.complete("z").sent == (ThrownEvent("message", "bye", "e", {"x": 1, "y": 2}),)


def test_a_message_start_event_begins_with_the_payload() -> None:
    case = play("s start-message hello\nu user\ne end", "s>u>e")
    assert case.start(x=1).data == {"x": 1}
    assert case.last.trace == ("+s",)


def test_a_non_interrupting_message_may_come_again() -> None:
    case = play("s start\na user\nm boundary-message a remark non\nr user\nd end\ne end", "s>a>e; m>r>d")
    case.start()
    case.message("remark", n=1)
    case.message("remark", n=2)
    assert case.open == ["a", "r", "r"]
    case.complete("a")
    with pytest.raises(StaleToken):
        case.message("remark")


@pytest.mark.parametrize("kind", ["complete", "timer", "external", "error", "job"])
def test_inputs_for_tokens_that_are_gone_have_no_place(kind: str) -> None:
    case = play("s start\na user\nb user\ne end", "s>a>b>e")
    case.start()
    case.complete("a")
    for token in ("0.0", "9.9", None):
        with pytest.raises(StaleToken):
            case.put(kind, token=token)


@pytest.mark.parametrize("kind", ["timer", "external", "job"])
def test_a_user_task_takes_no_input_meant_for_others(kind: str) -> None:
    case = play("s start\na user\ne end", "s>a>e")
    case.start()
    with pytest.raises(StaleToken):
        case.put(kind, token="0.0")


def test_an_ended_case_and_a_case_never_started_take_no_input() -> None:
    case = play("s start\na user\ne end", "s>a>e")
    with pytest.raises(StaleToken):
        case.put("complete", token="0.0")
    case.start()
    case.complete("a")
    for kind in ("complete", "readdress", "message", "undo", "migrate", "nonsense"):
        with pytest.raises(StaleToken):
            case.put(kind, token="0.0", element="x")


def test_a_failing_step_leaves_the_state_as_it_was() -> None:
    case = play("s start\na user\nx script y = 1 // n\nb user\ne end", "s>a>x>b>e")
    case.start()
    before = case.state
    with pytest.raises(StepError) as failed:
        case.complete("a", n=0)
    assert failed.value.element == "x"
    assert case.state == before
    assert case.complete("a", n=1).opened[0].element == "b"


@pytest.mark.parametrize("data", [{"x": 1.5}, {"x": 2**60}, {"x": "a\x00"}, {"x": {1: 2}}])
def test_data_that_is_no_data_is_refused(data: dict) -> None:
    with pytest.raises(StepError):
        play("s start\na user\ne end", "s>a>e").start(**data)


def test_a_handlers_float_is_refused_with_its_element() -> None:
    with pytest.raises(StepError, match="小数") as failed:
        play("s start\nx service t\ne end", "s>x>e", lambda request: {"score": 77.5}).start()
    assert failed.value.element == "x"


def test_a_condition_must_be_true_or_false() -> None:
    case = play("s start\na user\ng xor\ne end\nf end", "s>a>g>[x]e; g>[*]f")
    case.start()
    with pytest.raises(StepError, match="真假值"):
        case.complete("a", x=1)
    assert case.complete("a", x=False).decisions == "0"


def test_no_condition_and_no_default_fails_the_step() -> None:
    for kind in ("xor", "or"):
        with pytest.raises(StepError, match="默认"):
            play(f"s start\ng {kind}\na user\nb user\ne end", "s>g>[x == 1]a>e; g>[x == 2]b>e").start(x=3)


def test_of_several_true_conditions_the_first_in_the_diagram_wins() -> None:
    nodes = "s start\ng xor\na user\nb user\nc user\nd user\ne end"
    flows = "s>g>[x > 1]a>e; g>[x > 2]b>e; g>[*]d>e; g>[x > 0]c>e"
    for x, element in ((3, "a"), (2, "a"), (1, "c"), (0, "d")):
        case = play(nodes, flows)
        case.start(x=x)
        assert case.open == [element]
        assert case.last.decisions == {3: "1", 2: "1", 1: "001", 0: "000"}[x]


def test_input_and_output_parameters_map_data() -> None:
    seen = []

    def serve(request):
        seen.append(request.data)
        return {"number": 7, "noise": 1}

    case = play(
        's start\nx service t <who=${name} <fixed="plain text" >registration=${number}\nu user >note=${remark}\ny script <base=10 >total=${base2} :: base2 = int(base) + n\ne end',
        "s>x>u>y>e",
        serve,
    )
    case.start(name="n-1", n=1)
    assert seen == [{"name": "n-1", "n": 1, "who": "n-1", "fixed": "plain text"}]
    assert case.last.data == {"name": "n-1", "n": 1, "registration": 7}
    assert case.complete("u", remark="ok", other=1).data == {
        "name": "n-1",
        "n": 1,
        "registration": 7,
        "note": "ok",
        "total": 11,
    }


def test_a_called_process_gets_and_gives_what_is_mapped() -> None:
    called = {"inner": ("cs start\ncu user\nce end", "cs>cu>ce")}
    case = play('s start\nc call inner <x="${n + 1}" >result=${y}\nu user\ne end', "s>c>u>e", called=called)
    assert case.start(n=1).opened[0].element == "c/cu"
    assert case.last.data == {"n": 1}  # what the called process has is its own
    assert case.complete("c/cu", y="done", z=9).data == {"n": 1, "result": "done"}


def test_an_error_end_goes_to_the_subprocess_boundary_and_else_ends_the_case() -> None:
    inner = {"p": ("ps start\npu user\nx end-error bad", "ps>pu>x")}
    caught = play("s start\np sub\nb boundary-error p bad\nu user\ne end", "s>p>e; b>u>e", inner=inner)
    caught.start()
    assert caught.complete("p/pu", why="w").data == {"why": "w"}
    assert caught.open == ["u"]
    loose = play("s start\nf and\nq user\np sub\ne end", "s>f>p>e; f>q>e", inner=inner)
    loose.start()
    done = loose.complete("p/pu")
    assert done.ended
    assert (done.trace[-1], len(done.closed)) == ("!p/x", 2)


def test_instances_of_a_collection_know_their_place() -> None:
    case = play("s start\na user @candidateGroups=${who} *par items:who\ne end", "s>a>e")
    opened = case.start(items=["x", "y"]).opened
    assert [(task.element, task.role, task.instance) for task in opened] == [("a", "x", 0), ("a", "y", 1)]
    assert not case.put("complete", token=opened[1].token).ended
    done = case.put("complete", token=opened[0].token)
    assert done.ended
    assert done.data == {"items": ["x", "y"]}


@pytest.mark.parametrize("by", ["3", "items:item"])
def test_parallel_instances_end_with_the_first_that_meets_the_condition(by: str) -> None:
    case = play(f"s start\na user *par {by} until ok\nz user\ne end", "s>a>z>e")
    case.start(items=["x", "y", "z"], ok=False)
    first, second, third = case.users
    done = case.put("complete", token=second, data={"ok": False})
    assert (done.closed, done.decisions, case.open) == ((second,), "0", ["a", "a"])
    done = case.put("complete", token=third, data={"ok": True})
    assert (done.closed, done.decisions, case.open) == ((first, third), "1", ["z"])
    assert done.trace == ("+a", "-a")
    assert case.complete("z").ended


@pytest.mark.parametrize("by", ["3", "items:item"])
def test_sequential_instances_end_with_the_first_that_meets_the_condition(by: str) -> None:
    case = play(f"s start\na user *seq {by} until ok\nz user\ne end", "s>a>z>e")
    case.start(items=["x", "y", "z"], ok=False)
    assert case.complete("a", ok=False).opened[0].instance == 1
    assert case.open == ["a"]
    done = case.complete("a", ok=True)
    assert (len(done.closed), done.decisions, case.open) == (1, "1", ["z"])
    assert case.complete("z").ended


@pytest.mark.parametrize("kind", ["par", "seq"])
def test_the_condition_of_instances_sees_the_item_of_the_one_that_ended(kind: str) -> None:
    case = play(f"s start\na user *{kind} items:item until item == 'y'\nz user\ne end", "s>a>z>e")
    case.start(items=["x", "y", "z"])
    case.complete("a")
    assert "z" not in case.open
    case.complete("a")
    assert case.open == ["z"]


def test_instances_whose_condition_is_never_met_all_run() -> None:
    for kind, names in (("par", ["a", "a", "a"]), ("seq", ["a"])):
        case = play(f"s start\na user *{kind} 3 until ok\ne end", "s>a>e")
        case.start(ok=False)
        for _ in range(3):
            assert case.open == names[: len(case.open)]
            assert not case.last.ended
            case.complete("a", ok=False)
        assert case.last.ended


def test_a_bpmn_error_in_a_called_process_climbs_to_the_call() -> None:
    def serve(request):
        raise BpmnError("full")

    called = {"inner": ("cs start\ncx service t\nce end", "cs>cx>ce")}
    case = play("s start\nc call inner\nb boundary-error c full\nu user\ne end", "s>c>e; b>u>e", serve, called=called)
    case.start()
    assert case.open == ["u"]


def test_the_state_is_foreign_to_another_definition() -> None:
    case = play("s start\na user\ne end", "s>a>e")
    case.start()
    other = read_definition(drawn("other", "s start\na user\ne end", "s>a>e").files)
    with pytest.raises(StepError):
        step(other, case.state, Input("complete", 1, AT, token="0.0"), case.serve, b"s")


@pytest.mark.parametrize("older", [b'[1,"d",7,null,[],[]]', b'[1,"d",7,{},[["0.0","","a","user",null,0,{},0]],[]]'])
def test_a_state_of_an_earlier_engine_is_refused_with_what_to_do(older: bytes) -> None:
    case = play("s start\na user\ne end", "s>a>e")
    with pytest.raises(StepError, match="空数据库"):
        step(case.definition, older, Input("complete", 1, AT, token="0.0"), case.serve, b"s")


def test_the_shape_of_stored_bytes_is_that_of_the_step() -> None:
    case = Play(
        drawn(
            "case",
            "s start\nf and\na user\nt catch-timer P1D\nr user *seq 3\nj and\ne end",
            "s>f>a>j; f>t>j; f>r>j; j>e",
        )
    )
    for done in (case.start(), case.complete("a"), case.complete("r"), case.fire("t")):
        assert shape(case.definition, done.state) == done.shape
    case.complete("r")
    assert shape(case.definition, case.complete("r").state) == case.last.shape


def test_data_alone_changes_the_data_digest_and_another_salt_too() -> None:
    case = play("s start\na user\ne end", "s>a>e")
    given = Input("start", 0, AT, data={"x": 1})
    one = step(case.definition, None, given, case.serve, b"a")
    two = step(case.definition, None, dataclasses.replace(given, data={"x": 2}), case.serve, b"a")
    three = step(case.definition, None, given, case.serve, b"b")
    assert one.shape == two.shape == three.shape
    assert len({one.data_digest, two.data_digest, three.data_digest}) == 3


LISTENING = {"h": ("hs start-message stop\nhu user\nhe end", "hs>hu>he")}


def test_an_interrupting_event_subprocess_ends_all_else_in_its_scope() -> None:
    case = play(
        "s start\nf and\na user\nb user\nt catch-timer P1D\nh sub event\ne end",
        "s>f>a>e; f>b>e; f>t>e",
        inner=LISTENING,
    )
    case.start()
    assert case.last.awaited == ("message:stop",)
    done = case.message("stop", why="w")
    assert (case.open, len(done.closed), len(done.jobs_cleared)) == (["h/hu"], 2, 1)
    assert case.complete("h/hu").data == {"why": "w"}
    assert case.last.ended


def test_a_non_interrupting_event_subprocess_runs_beside_each_time_anew() -> None:
    inner = {"h": ("hs start-message stop non\nhu user\nhe end", "hs>hu>he")}
    case = play("s start\na user\nh sub event\ne end", "s>a>e", inner=inner)
    case.start()
    case.message("stop")
    case.message("stop")
    assert case.open == ["a", "h/hu", "h/hu"]
    case.complete("a")
    case.complete("h/hu")
    assert not case.last.ended
    assert case.complete("h/hu").ended


TRIGGERS = {
    "timer PT2S": lambda case: case.fire("h"),
    "timer R/PT2S": lambda case: case.fire("h"),
    "message told": lambda case: case.message("told"),
    "signal rung": lambda case: case.put("signal", element="rung"),
}


@pytest.mark.parametrize("within", ["process", "subprocess", "called process"])
@pytest.mark.parametrize("manner", ["", " non"])
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_no_event_subprocess_begins_once_its_scope_is_completing(trigger: str, manner: str, within: str) -> None:
    """BPMN 2.0 §13.5.4: while only event subprocesses are left, no other one can begin, nor can the same again."""
    if "R/" in trigger and not manner:
        manner = " non"  # a cycle that interrupts fires once
    kind, _, what = trigger.partition(" ")
    body = "s start\na user\ng sub event\nh sub event\ne end", "s>a>e"
    inner = {
        "g": ("gs start-message first non\ngu user\nge end", "gs>gu>ge"),
        "h": (f"hs start-{kind} {what}{manner}\nhu user\nhe end", "hs>hu>he"),
    }
    if within == "process":
        case = play(*body, inner=inner)
    elif within == "subprocess":
        case = play("S start\np sub\nE end", "S>p>E", inner=inner | {"p": body})
    else:
        case = play("S start\np call inside\nE end", "S>p>E", inner=inner, called={"inside": body})
    prefix = "" if within == "process" else "p/"
    case.start()
    case.message("first")
    case.complete(f"{prefix}a")
    assert case.open == [f"{prefix}g/gu"]
    assert (case.jobs, case.last.awaited) == ({}, ())
    with pytest.raises((StaleToken, StopIteration)):
        TRIGGERS[trigger](case)
    assert case.complete(f"{prefix}g/gu").ended
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []


def test_an_event_subprocess_that_nobody_called_does_not_keep_its_scope() -> None:
    case = play("s start\na user\nh sub event\ne end", "s>a>e", inner=LISTENING)
    case.start()
    assert case.complete("a").ended


def test_an_error_is_rescued_in_its_own_scope_before_it_leaves_it() -> None:
    inner = {
        "p": ("ps start\npu user\npx end-error bad\nph sub event", "ps>pu>px"),
        "ph": ("hs start-error bad\nhu user\nhe end", "hs>hu>he"),
    }
    case = play("s start\np sub\nb boundary-error p bad\nz user\ny user\ne end", "s>p>z>e; b>y>e", inner=inner)
    case.start()
    case.complete("p/pu")
    assert case.open == ["p/ph/hu"]
    case.complete("p/ph/hu")
    assert case.open == ["z"]


def test_what_the_compact_state_does_not_cover_is_refused_even_without_the_gate() -> None:
    text = drawn("case", "s start\nt catch-timer P1D\ne end", "s>t>e").files["case.bpmn"].decode()
    unknown = re.sub(
        r"<bpmn:timerEventDefinition>.*?</bpmn:timerEventDefinition>", "<bpmn:dreamEventDefinition/>", text
    )
    with pytest.raises(DefinitionRefused) as refused:
        read_definition({"case.bpmn": unknown.encode()}, validate=False)
    assert "dreamEventDefinition" in refused.value.problems[0].en


@pytest.mark.parametrize("manner", ["", " non"])
def test_what_was_written_inside_an_activity_is_known_to_the_events_on_its_border(manner: str) -> None:
    inner = {"p": ("ps start\npf and\npa user\npb user\npj and\npc user\npe end", "ps>pf>pa>pj; pf>pb>pj; pj>pc>pe")}
    case = play(
        f"s start\np sub\nb boundary-message p stop{manner}\nu user %summary=certificate\ne end\nf end",
        "s>p>e; b>u>f",
        inner=inner,
    )
    case.start(certificate="none", x=0)
    case.complete("p/pa", certificate="C-1")
    case.complete("p/pb", x=1)
    opened = case.message("stop", why="w").opened
    assert opened[0].summary == "C-1"
    assert case.last.data == {"certificate": "C-1", "x": 1, "why": "w"}
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []


def test_an_event_subprocess_knows_what_its_scope_has_written() -> None:
    case = play("s start\na user\nb user\nh sub event\ne end", "s>a>b>e", inner=LISTENING)
    case.start(x=0)
    case.complete("a", x=1)
    assert case.message("stop").data == {"x": 1}
    assert case.complete("h/hu").data == {"x": 1}


def test_a_signal_thrown_in_the_case_brings_what_its_thrower_wrote_and_overwrites_nothing_newer() -> None:
    case = play(
        "s start\nf and\na user\nt throw-signal go\nb user\nc catch-signal go\nd user\nj and\ne end",
        "s>f>a>t>j; f>b>c>d>j; j>e",
    )
    case.start(x=0, y=0)
    case.complete("b", x=2)
    case.complete("a", y=1)
    assert case.complete("d").data == {"x": 2, "y": 1}


def test_two_cases_step_interleaved_in_one_thread() -> None:
    """A handler of one case steps another: neither takes a tick, an id, a queue or a record from the other."""
    diagram = drawn(
        "case",
        "s start\nf and\nx service one\ny script n = 1\nz service two\nb user\nt catch-timer PT1H\nj and\ne end",
        "s>f>x>y>z>j; f>b>j; f>t>j; j>e",
    )

    def alone() -> Play:
        case = Play(diagram, lambda request: {request.topic: request.element})
        case.start(k=0)
        return case

    def within(request: Request) -> dict[str, str]:
        inner.append(alone())
        runs.append(ReferenceRun(outer.definition))
        runs[-1].step(Input("start", 0, AT + timedelta(minutes=1), data={"k": 0}), lambda _: {}, b"salt")
        return {request.topic: request.element}

    inner: list[Play] = []
    runs: list[ReferenceRun] = []
    outer = Play(diagram, within)
    outer.start(k=0)
    expected = alone()
    assert len(inner) == 2
    for case in (outer, *inner):
        case.complete("b", k=2)
        case.fire("t")
    expected.complete("b", k=2)
    expected.fire("t")
    assert expected.last.ended
    for case in (outer, *inner):
        assert case.rows == expected.rows
        assert case.state == expected.state


def test_an_instant_without_a_time_zone_is_refused() -> None:
    case = play("s start\na user\ne end", "s>a>e")
    with pytest.raises(ValueError, match="UTC"):
        step(case.definition, None, Input("start", 0, AT.replace(tzinfo=None)), case.serve, b"s")


def test_a_script_may_be_indented_as_the_xml_around_it() -> None:
    text = drawn("case", "s start\nx script y = 1\nu user\ne end", "s>x>u>e").files["case.bpmn"].decode()
    indented = text.replace(
        "<bpmn:script>y = 1", "<bpmn:script>\n      y = 0\n      for i in [1, 2]:\n        y += i\n    "
    )
    case = Play(read_definition({"case.bpmn": indented.encode()}, validate=False))
    assert case.start().data == {"y": 3}


def test_the_time_of_handlers_is_not_the_diagrams(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.engine.bpmn.step_context.MAX_SECONDS", 0.05)

    def serve(request):
        began = time.thread_time()
        while time.thread_time() < began + 0.1:
            pass
        return {}

    case = play("s start\nx service t\ny service t\nz script q = [i for i in range(3)]\ne end", "s>x>y>z>e", serve)
    assert case.start().ended
