"""The privacy notice that everybody reads before working (个人信息保护法 art. 17): its version and its text."""

from __future__ import annotations

from service.errors import N_

VERSION = 1
"""Raise it when the text changes: everybody reads it again at the next page."""

SECTIONS: tuple[tuple[str, str], ...] = (
    (
        N_("处理什么"),
        N_(
            "从业人员的姓名、证件号码、出生日期、性别、单位、职务、手机、照片，以及培训、成绩和证书；使用人的姓名、登录名、选填的手机和邮箱、操作记录。"
        ),
    ),
    (
        N_("为什么处理"),
        N_(
            "依据《民用爆炸物品安全管理条例》和安全生产法律法规，组织安全培训、考核，颁发和查验资格证书。不用于其他目的。"
        ),
    ),
    (
        N_("谁能看到"),
        N_(
            "按角色和管辖范围：本单位、其主管省份、协会、承办机构和工信部。证件号码和手机默认遮挡，查看全号每次记入审计。"
        ),
    ),
    (
        N_("保存多久"),
        N_("证书台账长期保存；人员注销且最后一本证书终止三年后，删除其手机和照片。操作日志至少保存三年。"),
    ),
    (N_("怎样保护"), N_("证件号码、手机和照片加密保存，密钥与数据分开；一人一号，会话闲置自动退出。")),
    (N_("您的责任"), N_("只为办理业务查看和使用，不导出、不外传、不借用账号。发现泄露请立即报告系统管理员。")),
    (N_("本人的权利"), N_("本人可以向所在单位或主管部门查询、更正其信息；对处理有异议的，可通过在线客服投诉。")),
)
