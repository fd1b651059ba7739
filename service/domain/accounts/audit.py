"""The events that the audit trail records outside of cases: the words for its events,
and the groups in which they are looked up.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.values.labelled_enum import Labelled
from service.errors import N_


class EventGroup(Labelled):
    SIGN_IN = "sign_in", N_("登录")
    ACCOUNTS = "accounts", N_("账号")
    DATA = "data", N_("数据")
    PROCESSES = "processes", N_("流程")
    SYSTEM = "system", N_("系统")


EVENTS: Mapping[EventGroup, Mapping[str, str]] = {
    EventGroup.SIGN_IN: {
        "sign_in": N_("登录"),
        "sign_out": N_("退出登录"),
        "change_password": N_("修改密码"),
        "accept_privacy": N_("确认个人信息告知"),
    },
    EventGroup.ACCOUNTS: {
        "reset_password": N_("重置密码"),
        "disable_user": N_("停用账号"),
        "enable_user": N_("恢复账号"),
        "assent_user": N_("同意账号"),
        "refuse_user": N_("不同意账号"),
        "move_user": N_("变更账号单位"),
        "unlock": N_("解锁账号"),
        "end_sessions": N_("强制退出"),
        "appoint_substitute": N_("指定代办人"),
        "end_substitution": N_("结束代办"),
    },
    EventGroup.DATA: {
        "reveal_number": N_("查看全号"),
        "export": N_("导出"),
        "import_persons": N_("导入人员"),
        "print_batch": N_("成批打印"),
        "open_case": N_("查看案卷"),
        "replay_case": N_("回放案卷"),
        "open_process": N_("查看流程版本"),
        "download_process": N_("下载流程文件"),
        "search_list": N_("查找"),
        "mine_cases": N_("流程分析"),
        "open_sample": N_("查看抽查"),
        "draw_sample": N_("抽取样本"),
        "sign_sample": N_("签署抽查"),
        "export_sample": N_("下载抽查结果"),
        "open_row": N_("查看对象历史"),
        "open_inbox": N_("查看当时的待办和权限"),
        "confirm_score_early": N_("班次结束前确认合格成绩"),
        "export_evidence": N_("导出证据"),
        "export_case_file": N_("导出案卷档案"),
        "export_events": N_("导出带姓名的事件日志"),
        "export_mined_log": N_("导出事件日志"),
        "download_certificate": N_("下载电子证书"),
        "link_academy": N_("关联院校与培训机构"),
        "erase_personal_data": N_("清除到期的个人信息"),
        "erase_personal_text": N_("清除到期的个人文字"),
    },
    EventGroup.PROCESSES: {
        "deploy_process": N_("部署新版本"),
        "restore_process": N_("恢复为现行版本"),
        "mend_case": N_("修复案卷"),
        "migrate_cases": N_("迁移案卷"),
        "backtest_process": N_("回测流程"),
    },
    EventGroup.SYSTEM: {
        "backup": N_("备份"),
        "restore": N_("恢复备份"),
        "verify_journal": N_("校验日志"),
        "upgrade_database": N_("升级数据库"),
        "daily_work": N_("每日任务"),
        "demonstration begun": N_("开始填充演示数据"),
        "demonstration filled": N_("演示数据已填充"),
    },
}
WORDS = {code: word for group in EVENTS.values() for code, word in group.items()}
DETAILS = {
    "list": N_("清单"),
    "rows": N_("行数"),
    "masked": N_("掩码"),
    "sha256": N_("SHA-256 摘要"),
    "purpose": N_("用途"),
    "reason": N_("原因"),
    "filter": N_("条件"),
    "since": N_("起"),
    "until": N_("止"),
    "who": N_("系统账号"),
    "host": N_("主机"),
    "bytes": N_("字节"),
    "cases": N_("案卷"),
    "differences": N_("不一致"),
    "count": N_("数量"),
    "title": N_("标题"),
    "process": N_("所属流程"),
    "version": N_("流程版本"),
    "replaced": N_("此前流程版本"),
    "way": N_("途径"),
    "what": N_("修复方式"),
    "note": N_("变更说明"),
    "proposer": N_("提出人"),
    "ends_on": N_("班次结束日"),
    "certificates": N_("证书份数"),
    "number": N_("号码"),
    "edition": N_("版本"),
    "before": N_("此前"),
    "after": N_("此后"),
    "entered": N_("录入人数"),
    "submitted": N_("提交审批"),
    "persons": N_("人数"),
    "rule": N_("依据规则"),
    "texts": N_("文字段数"),
    "ended_before": N_("证书终止早于"),
    "table": N_("类别"),
    "on": N_("截至"),
    "rewritten": N_("改写的列"),
    "against": N_("对比"),
    "from_day": N_("从"),
    "until_day": N_("至"),
    "kinds": N_("事项"),
    "unmarked": N_("此前无标记的行"),
}
"""Words for the details of an event; a detail without a word here is shown by its name."""


def member_label(action: str) -> str:
    """The word for an event, a key of the catalogue; one that has none is shown as it is."""
    return WORDS.get(action, action)
