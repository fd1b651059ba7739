"""Deployments: files sent from the page, files of a version to download, an older version made current again."""

from __future__ import annotations

import io
import zipfile

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.errors import N_, Conflict, DefinitionRefused, Message, NotFound
from service.validation.fields import MAX_INTEGER
from service.validation.typed_text import as_whole
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.views.runtime.processes import READERS, index
from service.workflow.processes import definitions
from service.workflow.processes.definitions import Listed
from service.workflow.runtime.auditor_looks import record_look
from service.workflow.versions import deployments, stranded_cases

bp = Blueprint("deployments", __name__)

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # one version makes one archive, whenever it is asked for


@bp.post("/processes")
@requires_permission(Action.EDIT_PROCESSES)
@rerender_on_error(index, DefinitionRefused)
def deploy() -> ResponseReturnValue:
    sent = {file.filename: file.read() for file in request.files.getlist("files") if file.filename}
    author = deployments.Author("page", current_user, note=request.form.get("change_note", "").strip())
    done = deployments.deploy_sent(sent, author)
    for one in done:
        number = one.version.number if one.version else 0
        text = PROPOSED if one.change else ACTIVE if one.replaced or one.is_new else SAME
        flash_success(Message(text, name=one.version.name if one.version else one.file, n=number))
    taken = {name for one in done if one.version for name in definitions.files(one.version.digest)}
    for name in sorted(sent.keys() - taken):
        flash_success(Message(N_("“%(name)s”没有部署：没有流程图用到它。"), name=name), kind="warn")
    key = done[0].version.key if done[0].version else ""
    return redirect(url_for("processes.show", key=key) if len(done) == 1 else url_for("processes.index"))


ACTIVE = N_("“%(name)s”版本 %(n)s 已生效，新案卷用它；在办案卷不变。")
PROPOSED = N_("“%(name)s”版本 %(n)s 已送审，由另一位流程管理员批准后生效。")
SAME = N_("“%(name)s”与现行的版本 %(n)s 相同，没有变动。")


@bp.get("/processes/<key>/files")
@requires_permission(*READERS)
def download(key: str) -> Response:
    """The files of a version, by ``file`` one of them, else all in one archive."""
    version = _chosen(key).version
    record_look(current_user, "download_process", "process", detail={"process": key, "version": version.number})
    files = definitions.files(version.digest)
    if name := request.args.get("file", ""):
        if name not in files:
            raise NotFound
        return _attachment(files[name], "application/octet-stream", name)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content)
    return _attachment(packed.getvalue(), "application/zip", f"{version.key}-{version.number}.zip")


def _attachment(content: bytes, kind: str, name: str) -> Response:
    answer = Response(content, mimetype=kind)
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


@bp.get("/processes/<key>/restore")
@requires_permission(Action.EDIT_PROCESSES)
def confirm_restoration(key: str) -> ResponseReturnValue:
    chosen = _chosen(key)
    current = next((it for it in definitions.listing(key) if it.version.current), None)
    stranded = stranded_cases.warnings_of(definitions.definition(chosen.version.digest))
    return render_template("pages/processes/restore.html", chosen=chosen, current=current, stranded=stranded)


@bp.post("/processes/<key>/restore")
@requires_permission(Action.EDIT_PROCESSES)
@rerender_on_error(confirm_restoration, Conflict, DefinitionRefused)
def restore(key: str) -> ResponseReturnValue:
    version = _chosen(key).version
    done = deployments.make_current(current_user, version.digest, request.form.get("change_note", ""))
    flash_success(Message(SENT if done.change else RESTORED, n=version.number))
    return redirect(url_for("processes.show", key=key))


RESTORED = N_("版本 %(n)s 重新成为现行版本，新案卷用它；在办案卷不变。")
SENT = N_("版本 %(n)s 已送审，由另一位流程管理员批准后生效。")


def _chosen(key: str) -> Listed:
    """The version that the address names, without a number the one in force. Raises NotFound."""
    return definitions.numbered(definitions.listing(key), as_whole(request.args.get("version", ""), 1, MAX_INTEGER))
