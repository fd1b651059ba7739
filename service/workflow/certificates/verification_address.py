"""The address that the QR code of a certificate leads to: from the settings alone, never from what a request says."""

from __future__ import annotations

from uuid import UUID

from service.config import settings
from service.errors import N_, Conflict

PATH = "/verify/{}"  # a place for the token; the page is public
SAMPLE = "https://address-not-set.invalid"
NOT_SET = N_("还没有设置本系统的网址，证书上的二维码无处可查，不能打印。请系统管理员设置 ANPEI_ADDRESS 后重新启动。")


def verification_address() -> str:
    """Return the address with a place for the token. Raises Conflict while ANPEI_ADDRESS is not set."""
    if not settings().address:
        raise Conflict(NOT_SET)
    return settings().address + PATH


def class_address(class_id: UUID) -> str:
    """Return the address of the check-in of a class, with a place for the case of the person who comes."""
    return f"{settings().address or SAMPLE}/classes/{class_id}/check-in#{{}}"


def sample_address() -> str:
    """Return the address for a preview: one that nobody can follow while ANPEI_ADDRESS is not set."""
    return (settings().address or SAMPLE) + PATH
