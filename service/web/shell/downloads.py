"""Files that are sent as they are read, so that a large one is never in memory as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Response, stream_with_context


def streamed(pieces: Iterator[bytes], size: int, media: str, disposition: str) -> Response:
    """The answer that brings a file. disposition: whether it is shown or saved, and its name."""
    headers = {"Content-Disposition": disposition, "Content-Length": str(size)}
    return Response(stream_with_context(pieces), mimetype=media, headers=headers)
