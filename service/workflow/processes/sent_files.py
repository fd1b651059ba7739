"""Files that somebody sent to deploy: what may come; that they cost little to read is tried in a bounded child."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath

from service import engine
from service.errors import N_, InvalidInput, Message
from service.infrastructure.decoder_pool import DecoderError, decode, told_of_limits
from service.validation.characters import LINE, is_storable

PARTS = (".dmn", ".form")
KINDS = (".bpmn", ".yaml", *PARTS)
MAX_NAME = 120  # characters of a file's
MAX_FILES = 100


def accept(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """The files by their names without folders.

    Raises InvalidInput at ``files``: none or too many, of another kind, with a name that cannot be stored, too large,
    or costlier to read than they weigh.
    """
    named = {PurePath(name).name: content for name, content in files.items()}
    if not named:
        raise _refuse(N_("请选择要部署的文件。"))
    if len(named) > MAX_FILES:
        raise _refuse(N_("一次最多部署 %(most)s 个文件。"), most=MAX_FILES)
    for name, content in named.items():
        if not name.endswith(KINDS):
            raise _refuse(N_("请选择 .bpmn、.dmn、.form 或 .yaml 文件；“%(name)s”不是。"), name=name[:MAX_NAME])
        if len(name) > MAX_NAME or not is_storable(name, LINE):
            raise _refuse(N_("文件名“%(name)s”太长或含有不能保存的字符。"), name=name[:MAX_NAME])
        if len(content) > engine.MAX_FILE_BYTES:
            raise _refuse(
                N_("“%(name)s”超过 %(most)s MB，请拆分。"), name=name, most=engine.MAX_FILE_BYTES // 1_000_000
            )
    sizes = [(name, len(content)) for name, content in named.items()]
    try:
        decode("definitions", b"".join(named.values()), files=sizes, **engine.FILE_LIMITS)
    except DecoderError as error:
        if error.reason == "deep":
            text = N_("“%(name)s”嵌套过深、元素过多或文字过长，请拆分。")
            raise _refuse(text, name=error.facts["file"]) from error
        raise _refuse(told_of_limits(error)) from error
    return named


def _refuse(text: str, **values: object) -> InvalidInput:
    said = Message(text, **values)
    return InvalidInput({"files": said}, text=said)
