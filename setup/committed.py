"""What must not be committed: addresses of package registries, paths of the machine it was written on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from setup.step import CHECKOUT

REGISTRY = re.compile(r"https?://[a-z0-9.-]*(?:registry|pypi|pythonhosted|npmjs|debian)", re.IGNORECASE)
EVERYBODYS = {
    Path(name)
    for name in ("/", "/tmp", "/root", "/home", "/opt", "/srv", "/var", "/usr", "/mnt", "/var/tmp", "/usr/src")
}


def main() -> int:
    here = [f"{folder}/" for folder in (CHECKOUT, CHECKOUT.parent) if folder not in EVERYBODYS]
    found = [problem for name in _committed() for problem in _problems(name, here)]
    print("\n".join(found) or "committed files: no registry address, no path of this machine")
    return 1 if found else 0


def _committed() -> list[str]:
    command = ["git", "-c", f"safe.directory={CHECKOUT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name and (CHECKOUT / name).is_file()]


def _problems(name: str, here: list[str]) -> list[str]:
    found = []
    for number, line in enumerate((CHECKOUT / name).read_bytes().decode(errors="replace").splitlines(), 1):
        if REGISTRY.search(line):
            found.append(f"{name}:{number}: the address of a package registry")
        found += [f"{name}:{number}: a path of this machine" for folder in here if folder in line]
    return found


if __name__ == "__main__":
    sys.exit(main())
