"""``make fuzz SEED=1 COUNT=3000``: that many random processes, from this seed on, against the reference game."""

from __future__ import annotations

import os
import sys

from service.errors import AnpeiError
from tests.conformance.process_model import bpmn
from tests.conformance.test_random_processes import drawings, played


def main() -> int:
    first, wanted = int(os.environ.get("SEED") or 0), int(os.environ.get("COUNT") or 300)
    wrong = []
    for _, (seed, drawn, expected) in zip(range(wanted), drawings(first), strict=False):
        try:
            traced = played(drawn)
        except (AnpeiError, AssertionError) as error:
            traced = [f"{type(error).__name__} {error}"]
        if traced != expected:
            wrong.append(seed)
            print(f"seed {seed}: expected {expected}, got {traced}")
            print(bpmn(drawn.main).decode())
    print(f"fuzz: {wanted} processes from seed {first}, {len(wrong)} wrong {wrong or ''}".rstrip())
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
