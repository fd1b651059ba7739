"""A process that lays documents out for another, which may lay out as many at once as there are cores.

Standard input has requests, standard output their answers: a line of JSON, then the files, each with its length in
four bytes before it. It ends with its input, so that nobody is left behind when the other dies.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Sequence
from typing import IO

from service.infrastructure import pdf


def read_exactly(stream: IO[bytes], length: int) -> bytes:
    """Read so many bytes; raises EOFError when the other side has ended."""
    found = stream.read(length)
    if len(found) < length:
        raise EOFError
    return found


def write_block(stream: IO[bytes], block: bytes) -> None:
    """Write a block with its length before it."""
    stream.write(struct.pack("!I", len(block)) + block)


def read_block(stream: IO[bytes]) -> bytes:
    """Read a block of ``write_block``."""
    return read_exactly(stream, struct.unpack("!I", read_exactly(stream, 4))[0])


def print_piece(piece: Sequence[str], style: str) -> bytes:
    """Lay a piece out, and sign it if it has a contact."""
    html, contact = piece
    content = pdf.print_pdf(html, style=style)
    if not contact:
        return content
    # who signs nothing need not load what signs
    from service.infrastructure import pdf_signature

    return pdf_signature.sign(content, contact)


def serve(given: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until the input ends."""
    while True:
        try:
            request = json.loads(read_block(given))
        except EOFError:
            return
        for piece in request["pieces"]:
            write_block(answers, print_piece(piece, request["style"]))
        answers.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
