"""A process that lays documents out for another: it loads what lays out once and is as many, one a connection.

A connection has requests, each a block of JSON; an empty block answers each page of HTML as soon as it is laid out,
a block each file. A process ends with its connection, so that nobody is left behind when the other side dies.
"""

from __future__ import annotations

import gc
import json
import os
import socket
import struct
import sys
from collections.abc import Callable, Sequence
from typing import Any

from service.infrastructure.documents import pdf


def send(connection: socket.socket, block: bytes) -> None:
    """Send a block with its length before it."""
    connection.sendall(struct.pack("!I", len(block)) + block)


def receive(connection: socket.socket) -> bytes:
    """Receive a block of ``send``; raises EOFError when the other side has ended."""
    return _exactly(connection, struct.unpack("!I", _exactly(connection, 4))[0])


def print_piece(piece: Sequence[Any], style: str, tell: Callable[[], None] = lambda: None) -> bytes:
    """Lay a piece out as one file, and sign it if it has a contact. tell: called after each part."""
    parts, contact = piece
    document = pdf.new_pdf("", style=style)
    for html in parts:
        document.add(html)
        tell()
    content = document.content()
    if not contact:
        return content
    # who signs nothing need not load what signs
    from service.infrastructure.documents import pdf_signature

    return pdf_signature.sign(content, contact)


def serve(connection: socket.socket) -> None:
    """Answer until the other side has ended."""
    while True:
        try:
            request = json.loads(receive(connection))
            for piece in request["pieces"]:
                send(connection, print_piece(piece, request["style"], lambda: send(connection, b"")))
        except (EOFError, BrokenPipeError, ConnectionResetError):  # it may have been killed
            return


def _exactly(connection: socket.socket, length: int) -> bytes:
    found = bytearray()
    while len(found) < length:
        more = connection.recv(min(length - len(found), 1 << 20))
        if not more:
            raise EOFError
        found += more
    return bytes(found)


def main(numbers: Sequence[int]) -> None:
    """Become a process for each of these open connections; the first is one of them, and waits for the others."""
    # Loaded once for all. Fonts are not: their library starts threads, which a fork does not take along.
    from service.infrastructure.documents import pdf_renderer

    pdf_renderer.sheet("certificates/certificate.css")
    gc.freeze()  # what is shared stays shared
    connections = [socket.socket(fileno=number) for number in numbers]
    while len(connections) > 1:
        own = connections.pop()
        if os.fork() == 0:
            for other in connections:
                other.close()
            serve(own)
            return
        own.close()
    serve(connections[0])
    while True:
        try:
            os.wait()
        except ChildProcessError:
            return


if __name__ == "__main__":
    main([int(number) for number in sys.argv[1:]])
