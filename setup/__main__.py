"""``python3 -m setup [--tests]``: everything that a fresh machine needs to run, or also to test."""

from __future__ import annotations

import sys

from setup import browser, frontend, python, system, texts
from setup.step import SetupFailed, say


def main() -> int:
    for_tests = "--tests" in sys.argv[1:]
    try:
        system.install(with_browser=for_tests)
        python.install("requirements-dev.txt" if for_tests else "requirements.txt")
        if for_tests:
            browser.install()
        frontend.install()
        texts.compile_catalogues()
    except SetupFailed as failure:
        say(str(failure))
        return 1
    except KeyboardInterrupt:
        say("interrupted; the next run goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
