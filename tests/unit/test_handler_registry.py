"""Registry of handlers: a topic says where its function is, and has one."""

from __future__ import annotations

import pytest

from service import handlers
from service.config import CHECKOUT
from service.handlers import registry
from service.handlers.registry import task_subject, topic
from service.operations.context import TaskSubject


def test_a_topic_is_named_after_its_module_and_function() -> None:
    for name, function in handlers.topics().items():
        assert f"{function.__module__.removeprefix('service.handlers.')}.{function.__name__}" == name


def test_a_second_handler_of_a_topic_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"personnel_approval\.approve is registered twice: service\.handlers"):
        topic("personnel_approval.approve")(lambda context, data: {})
    with pytest.raises(ValueError, match="personnel_approval is registered twice"):
        task_subject("personnel_approval")(lambda data: TaskSubject())


def test_every_process_describes_its_cases_and_nothing_else_is_described() -> None:
    assert set(registry._describers) == {path.stem for path in (CHECKOUT / "processes").glob("*.bpmn")}


def test_a_process_without_a_description_has_an_empty_subject() -> None:
    assert handlers.describe_subject("unknown", {}) == TaskSubject()
