"""A pause in a script becomes a timer that boundary events can interrupt."""

from __future__ import annotations

from service.engine.conformance.wait_rewriter import with_timers
from service.engine.kernel.xml_reader import parse
from service.engine.validation.diagram import Diagram, words
from tests.unit.validation_diagrams import chain, flow, problems, process, script


def drawn(text: str) -> Diagram:
    return Diagram("m", parse(with_timers(process(chain(script("w", text))), "m"), "m"))


def test_a_pause_splits_the_script() -> None:
    diagram = drawn("x = 1\ny = 2\nwait(10)\nx = 3")
    assert [words(e) for e in diagram.all("script")] == ["x = 1\ny = 2", "x = 3"]
    assert [words(e) for e in diagram.all("timeDuration")] == ["PT10S"]
    assert diagram.ids["w"].tag.endswith("}subProcess")
    assert not problems(with_timers(process(chain(script("w", "wait(3)"))), "m"))


def test_the_new_flows_are_listed_where_the_file_lists_flows() -> None:
    body = (
        '<startEvent id="s"><outgoing>s_w</outgoing></startEvent><endEvent id="e"><incoming>w_e</incoming></endEvent>'
        '<scriptTask id="w"><incoming>s_w</incoming><outgoing>w_e</outgoing><script>wait(3)</script></scriptTask>'
        + flow("s", "w")
        + flow("w", "e")
    )
    assert not problems(with_timers(process(body), "m"))


def test_what_has_no_plain_pause_stays_as_it_is() -> None:
    for text in ("x = 1", "for i in [1]:\n    wait(i)", "wait(n)", "waiting = (", "x = 'wait(1)'"):
        data = process(chain(script("w", text)))
        assert with_timers(data, "m") == data
    assert with_timers(b"<wait", "m") == b"<wait"
