"""Results of what was taken back."""

from __future__ import annotations

from service.api.v1.schemas.base import ResponseSchema
from service.api.v1.schemas.pages import many_of
from service.validation.fields import Boolean, Id, Text


class Undone(ResponseSchema):
    """The result for one completion of a batch."""

    task = Id("任务的 id。 / Id of the task.")
    enrollment = Id("报名的 id；与报名无关则为 null。 / Id of the enrolment, if it is about one.", allow_none=True)
    ok = Boolean("是否已撤回。 / Whether it was taken back.")
    message = Text("不能撤回的原因。 / Why it cannot be.", allow_none=True)


UndoneMany = many_of(Undone, "UndoneMany")
