"""Words for the use cases in which rows change: keys of the catalogue."""

from __future__ import annotations

from collections.abc import Mapping

from service.domain.system.mend_kind import MendKind
from service.errors import N_, Message

WORDS: Mapping[str, str] = {
    "accept_privacy": N_("确认个人信息告知"),
    "appoint_substitute": N_("指定代办人"),
    "assent_user": N_("同意账号"),
    "assign": N_("转交待办"),
    "begin_class": N_("开设培训班"),
    "migrate case": N_("流程迁移"),
    "retry incident": N_("重试故障"),
    "start_case": N_("发起案卷"),
    "attach_file": N_("添加通报附件"),
    "cancel_class": N_("取消培训班"),
    "cancel_plan": N_("取消计划"),
    "change_class": N_("修改班次"),
    "change_password": N_("修改密码"),
    "change_qualification_type": N_("变更资格类型"),
    "claim": N_("领取待办"),
    "close_enrolment": N_("提前截止报名"),
    "close_plans": N_("年度计划结束"),
    "complete": N_("办理待办"),
    "complete_many": N_("成批办理待办"),
    "convert_unit": N_("单位转换"),
    "correct_score": N_("更正成绩"),
    "create_unit": N_("新增单位"),
    "create_user": N_("新增账号"),
    "daily_digest": N_("每日摘要"),
    "delete_bulletin": N_("删除通报"),
    "delete_draft": N_("删除人员草稿"),
    "delete_unit": N_("删除单位"),
    "demonstration": N_("填充演示数据"),
    "deploy": N_("部署新版本"),
    "deregister_person": N_("注销人员"),
    "detach_file": N_("删除通报附件"),
    "disable_user": N_("停用账号"),
    "draft_class": N_("拟定班次"),
    "draw_sample": N_("抽取样本"),
    "record_finding": N_("记录抽查结果"),
    "sign_sample": N_("签署抽查"),
    "enable_user": N_("恢复账号"),
    "end_sessions": N_("强制退出"),
    "end_substitution": N_("结束代办"),
    "end_other_sessions": N_("退出其他设备"),
    "end_training": N_("提前终止培训"),
    "enroll": N_("为人员报名"),
    "erase_personal_data": N_("清除到期的个人信息"),
    "hand_out": N_("登记领取"),
    "import_persons": N_("导入人员"),
    "modify_user": N_("修改账号"),
    "open_ticket": N_("提交工单"),
    "print_certificate": N_("打印证书"),
    "propose_draft": N_("提出流程变更"),
    "publish_bulletin": N_("发布通报"),
    "publish_plan": N_("发布计划"),
    "readdress": N_("改由新的主管单位办理"),
    "reference data": N_("初始数据"),
    "refuse_user": N_("不同意账号"),
    "remind_units": N_("催报单位"),
    "rename_unit": N_("变更单位名称"),
    "request_correction": N_("申请更正身份"),
    "request_reissue": N_("申请补办"),
    "reset_password": N_("重置密码"),
    "revoke_certificate": N_("吊销证书"),
    "save_form_draft": N_("保存填写中的内容"),
    "save_bulletin": N_("修改通报"),
    "save_own_account": N_("本人修改账号"),
    "save_person": N_("修改人员"),
    "save_plan": N_("修改计划"),
    "save_qualification_type": N_("修改资格类型"),
    "save_settings": N_("修改设置"),
    "save_unit": N_("修改单位信息"),
    "say_in_ticket": N_("补充工单"),
    "set_preferences": N_("修改偏好"),
    "sign_in": N_("登录"),
    "sign_in_failed": N_("登录失败"),
    "start_deregistration": N_("发起到期注销"),
    "submit_person": N_("提交人员审批"),
    "take_back_person": N_("撤回人员提交"),
    "transfer_person": N_("变更单位"),
    "unclaim": N_("退还待办"),
    "undo": N_("撤回"),
    "undo_check_in": N_("撤销报到"),
    "unlock": N_("解锁账号"),
    "withdraw": N_("撤回报名"),
    "withdraw_bulletin": N_("撤回通报"),
    "withdraw_correction": N_("撤回更正申请"),
    "withdraw_reissue": N_("撤回补办申请"),
}
STEPS: Mapping[str, str] = {
    "start": N_("发起"),
    "timer": N_("到时"),
    "message": N_("收到通知"),
    "signal": N_("收到信号"),
    "async": N_("自动办理"),
    "external": N_("外部系统办理"),
    "mend": N_("修复案卷"),
    "migration": N_("升级数据库"),
}
"""Use cases of cases, which name after it a process, element, message or kind of mending."""
_MENDS = {member.value: member.label for member in MendKind}


def use_case_word(use_case: str) -> Message | str:
    """Say what was done; the name of what a step is about stands beside it."""
    if use_case in WORDS:
        return Message(WORDS[use_case])
    step, _, about = use_case.partition(" ")
    if step == "mend" and about in _MENDS:
        return Message(N_("修复案卷：%(how)s"), how=Message(_MENDS[about]))
    return Message(STEPS[step]) if step in STEPS else use_case
