"""What would run for ever, or make the engine fail, is refused before it starts."""

from __future__ import annotations

from tests.unit.validation_diagrams import chain, flow, problems, process, said, sub, task


def blocks(count: int) -> str:
    out, before = '<startEvent id="s"/><endEvent id="e"/>', "s"
    for n in range(count):
        fork, join = f"g{n}", f"j{n}"
        out += f'<parallelGateway id="{fork}"/><parallelGateway id="{join}"/>{flow(before, fork)}'
        for side in "ab":
            out += task(f"{side}{n}", "manualTask") + flow(fork, f"{side}{n}") + flow(f"{side}{n}", join)
        before = join
    return out + flow(before, "e")


def test_a_level_has_at_most_500_elements() -> None:
    def long(count: int) -> str:
        return chain(*[task(f"t{n}", "manualTask") for n in range(count)])

    assert not problems(process(long(498)))
    assert "more than 500" in said(process(long(499)))
    assert "p: The subProcess has" in said(process(chain(sub("p", long(499)))))
    assert not problems(process(chain(sub("p", long(300)), sub("q", chain(task("x"))))))


def test_parallel_splits_in_a_row_are_few() -> None:
    assert not problems(process(blocks(12)))
    found = problems(process(blocks(13)))
    assert [p.element for p in found] == ["a12"]
    assert "multiply" in found[0].en


def test_a_block_in_a_loop_counts_once() -> None:
    body = blocks(6).replace(flow("j5", "e"), "") + (
        '<exclusiveGateway id="back"/><exclusiveGateway id="x" default="x_e"/>' + flow("j5", "x") + flow("x", "e")
    )
    body = body.replace(flow("s", "g0"), flow("s", "back") + flow("back", "g0"))
    again = '<conditionExpression xsi:type="bpmn:tFormalExpression">n &lt; 3</conditionExpression>'
    assert not problems(process(body + flow("x", "back", again)))
