"""Data and messages that are only declared must be declared as BPMN 2.0 says."""

from __future__ import annotations

from tests.unit.validation_diagrams import chain, problems, process, said, sub, task


def test_a_data_object_reference_is_named_after_its_object_and_state() -> None:
    def reference(name: str) -> bytes:
        state = '<dataState name="signed"/>'
        objects = f'<dataObject id="o" name="Contract"/><dataObjectReference id="r" name="{name}" dataObjectRef="o">{state}</dataObjectReference>'
        return process(chain(task("a")) + objects)

    assert not problems(reference("Contract [signed]"))
    assert "data object" in said(reference("Paper"))


def test_a_limited_data_store_has_a_capacity() -> None:
    assert not problems(process(chain(task("a")), '<dataStore id="ds" name="archive"/>'))
    assert "capacity" in said(process(chain(task("a")), '<dataStore id="ds" isUnlimited="false"/>'))
    assert not problems(process(chain(task("a")), '<dataStore id="ds" isUnlimited="false" capacity="3"/>'))


def test_an_empty_specification_of_inputs_is_harmless_but_not_in_a_subprocess() -> None:
    nothing = "<ioSpecification><inputSet/><outputSet/></ioSpecification>"
    assert not problems(process(nothing + chain(task("a", inner=nothing))))
    inner = sub("p", chain(task("a"))).replace("<startEvent", f"{nothing}<startEvent")
    assert "must not have an ioSpecification" in said(process(chain(inner)))


def test_an_operation_carries_the_message_of_its_event() -> None:
    def sending(attributes: str, item: str = "") -> str:
        operation = '<interface id="i" name="i"><operation id="o" name="o"><inMessageRef>m</inMessageRef></operation></interface>'
        messages = f'<itemDefinition id="it"/><message id="m" name="paid" {item}/><message id="m2" name="other"/>'
        return said(process(chain(task("t", "sendTask", attributes)), messages + operation))

    typed = 'itemRef="it"'
    assert not sending('messageRef="m"')
    assert not sending('messageRef="m" operationRef="o"', typed)
    assert "no operation carries" in sending('messageRef="m"', typed)
    assert "no operation carries" in sending('messageRef="m2" operationRef="o"')
