"""Reissues of lost certificates (R64): their states. The diagram alone says which one comes when."""

from __future__ import annotations

from service.domain.values.labelled_enum import Labelled
from service.errors import N_


class ReissueState(Labelled):
    REQUESTED = "requested", N_("待审核")
    RETURNED = "returned", N_("待补充")
    APPROVED = "approved", N_("待打印")  # the new edition exists, the old one is void
    COMPLETED = "completed", N_("已补办")
    REFUSED = "refused", N_("未获准")
    WITHDRAWN = "withdrawn", N_("已撤回")
    LAPSED = "lapsed", N_("已终止")  # the certificate ended before the reissue did
