"""The ways to mend a case."""

from __future__ import annotations

from service.domain.values.labelled_enum import Labelled
from service.errors import N_


class MendKind(Labelled):
    VARIABLES = "variables", N_("改变量")
    MOVE = "move", N_("移动")
    SKIP = "skip", N_("跳过")
    SUSPEND = "suspend", N_("暂停")
    RESUME = "resume", N_("恢复")
    CANCEL = "cancel", N_("取消案卷")
    MIGRATE = "migrate", N_("流程迁移")
    RETRY = "retry", N_("重试")  # of an incident whose job is done again
    RESOLVE = "resolve", N_("标为已处理")  # of an incident that somebody's submission raised
