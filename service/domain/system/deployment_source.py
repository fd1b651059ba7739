"""The ways by which a version of a process comes."""

from __future__ import annotations

from service.domain.values.labelled_enum import Labelled
from service.errors import N_


class DeploymentSource(Labelled):
    FILE = "file", N_("processes 文件夹")
    CLI = "cli", N_("命令行")
    PAGE = "page", N_("网页")
    REST = "rest", N_("接口")
    STUDIO = "studio", N_("流程设计")
