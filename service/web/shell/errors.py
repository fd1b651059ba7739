"""Errors become pages here, and only here: what happened, what to do next, and the request id to quote."""

from __future__ import annotations

import structlog
from flask import Flask, current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from service.errors import N_, AnpeiError, Message, NotAllowed, SignInNeeded
from service.models.db.errors import DATABASE_ERRORS, refusal_of
from service.web.shell.authorization import logins
from service.web.shell.form_errors import headers_of, refresh_user
from service.web.shell.redirects import split_address
from service.workflow.accounts import sessions

log = structlog.get_logger("anpei.error")

TITLES = {
    400: N_("请求有误"),
    403: N_("没有权限"),
    404: N_("没有找到"),
    405: N_("不能这样操作"),
    409: N_("情况已经变化"),
    413: N_("文件太大"),
    422: N_("填写有误"),
    429: N_("操作过于频繁"),
    500: N_("系统出错"),
    503: N_("系统暂时不可用"),
}
TEXTS = {
    400: N_("浏览器发来的内容无法识别，请返回重试。"),
    404: N_("没有找到，可能已被删除，或不在您的管辖范围内。"),
    405: N_("这个地址不接受这种操作，请从页面上的按钮进入。"),
    413: N_("上传的内容超过 %(most)s MB，请缩小后再传。"),
    500: N_("系统出错，已记录。请稍后重试；若仍不行，请把下面的编号告诉管理员。"),
}
NOT_YOURS = N_("没有这个页面，或您无权查看。")
EXPIRED = N_("页面已过期，刚才的操作没有保存。请刷新页面后重新提交。")
SIGNED_OUT = N_("您已退出登录，刚才的操作没有保存。重新登录后回到刚才的页面，填写的内容还在。")
OVER = {
    sessions.IDLE: N_("离开超过 %(n)s 分钟，已自动退出。重新登录后回到刚才的页面。"),
    sessions.LONGEST: N_("登录已满 %(n)s 小时，已自动退出。重新登录后回到刚才的页面。"),
    sessions.ENDED: N_("这次登录已被结束：已在别处退出，或密码已修改或重置、账号已停用或变更。"),
}


def register(app: Flask) -> None:
    """Take every error that leaves a view."""
    app.register_error_handler(AnpeiError, show_refusal)
    app.register_error_handler(SignInNeeded, ask_to_sign_in)
    app.register_error_handler(CSRFError, show_expired)
    app.register_error_handler(HTTPException, show_http_error)
    for kind in DATABASE_ERRORS:
        app.register_error_handler(kind, show_database_error)
    app.register_error_handler(Exception, show_fault)


def show_refusal(error: AnpeiError) -> ResponseReturnValue:
    """A use case refused: its own message. What is not for the role does not exist for it either (R70)."""
    if error.status >= 500:
        return show_fault(error, error.message)
    if isinstance(error, NotAllowed):
        return show(404, Message(NOT_YOURS) if error.is_plain else error.message)
    answer = make_response(show(error.status, error.message))
    answer.headers.update(headers_of(error))
    return answer


def ask_to_sign_in(_error: SignInNeeded) -> ResponseReturnValue:
    """Go to the sign-in and come back afterwards; a part of a page makes the whole page go."""
    if over := session.pop("over", None):
        flash({"text": OVER[over[0]], "values": {"n": over[1]}, "undo": None, "draft": None}, "warn")  # type: ignore[arg-type]
    is_part = "HX-Request" in request.headers
    here = request.full_path.rstrip("?") if request.method == "GET" and not is_part else _page_before()
    way = url_for("session.sign_in", next=here if here != "/" else None)
    return make_response("", 401, {"HX-Redirect": way}) if is_part else redirect(way)


def _page_before() -> str | None:
    """The page of Anpei from which a form or a part of a page was asked for."""
    before = split_address(request.headers.get("HX-Current-URL") or request.referrer)
    is_ours = before.netloc == request.host and before.path != url_for("session.sign_in")
    return (before.path + (f"?{before.query}" if before.query else "")) if is_ours else None


def show_expired(_error: CSRFError) -> ResponseReturnValue:
    """The form was made for another session; who is signed out is led to the sign-in and back, with what was typed."""
    if not current_user.is_authenticated and request.endpoint and _is_inside(request.endpoint):
        if "over" not in session:
            flash({"text": SIGNED_OUT, "values": {}, "undo": None, "draft": None}, "warn")  # type: ignore[arg-type]
        return ask_to_sign_in(SignInNeeded())
    return show(400, Message(EXPIRED))


def _is_inside(endpoint: str) -> bool:
    """Tell whether a view is for readers who have signed in."""
    return vars(current_app.view_functions[endpoint])["access"] is not None


def show_http_error(error: HTTPException) -> ResponseReturnValue:
    """Errors of Flask itself: an unknown address, a wrong method, too large a file. Redirects pass."""
    status = error.code or 500
    if status < 400:
        return error
    values = {"most": (request.max_content_length or 0) >> 20} if status == 413 else {}
    answer = make_response(show(status, Message(TEXTS.get(status, TEXTS[400]), **values)))
    if allowed := getattr(error, "valid_methods", None):
        answer.headers["Allow"] = ", ".join(allowed)
    return answer


def show_database_error(error: Exception) -> ResponseReturnValue:
    """The database is away, or made somebody wait too long: a page that needs neither database nor session."""
    refusal = refusal_of(error)
    if refusal is None:
        return show_fault(error)
    log.error("database", id=g.get("request_id"), error=type(error).__name__, said=refusal.message.text)
    answer = make_response(alone(refusal.status, refusal.message))
    answer.headers.update(headers_of(refusal))
    return answer


def show_fault(error: Exception, message: Message | None = None) -> ResponseReturnValue:
    """Something we did not foresee; the trace goes to the log."""
    log.error("fault", id=g.get("request_id"), exc_info=error)
    return alone(500, message or Message(TEXTS[500]))


def show(status: int, message: Message) -> ResponseReturnValue:
    """The error inside the layout, with the way on for the reader."""
    if "HX-Request" in request.headers:
        return notice(status, message)
    refresh_user()
    if not current_user.is_authenticated:
        return alone(status, message)
    title = TITLES.get(status, TITLES[400])
    return render_template("pages/errors/error.html", status=status, title=title, message=message), status


def alone(status: int, message: Message) -> ResponseReturnValue:
    """The error on a page of its own, for which nobody asks the database who is reading."""
    g._login_user = logins.anonymous_user()
    if "HX-Request" in request.headers:
        return notice(status, message)
    title = TITLES.get(status, TITLES[500])
    return render_template("pages/errors/alone.html", status=status, title=title, message=message), status


def notice(status: int, message: Message) -> ResponseReturnValue:
    """The error of a request that changes a part of the page: a line at its top."""
    return (
        render_template("pages/errors/notice.html", status=status, message=message),
        status,
        {"HX-Retarget": "#notice"},
    )
