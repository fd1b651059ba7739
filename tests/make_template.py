"""``python -m tests.make_template NAME``: a database as production makes it, for the tests to copy. In a process of its
own, since it sets the environment that the application reads."""

from __future__ import annotations

import os
import subprocess
import sys

from service.config import CHECKOUT, settings
from setup.migrations import differences
from tests.database import addresses, test_server


def main(name: str) -> None:
    """Migrate and deploy. While a migration is still to be written the models are taken as they are; `make check` is
    what insists on the migration."""
    server = test_server()
    made = "unfinished"
    os.environ |= addresses(server, made)  # rows bear the mark of the key that the tests have
    settings.cache_clear()
    if differences(server, made, "unfinished_models"):
        print(
            "tests: the models are ahead of the migrations (make migration); tables are made from the models",
            file=sys.stderr,
        )
        made = "unfinished_models"
    environment = {**os.environ, **addresses(server, made)}
    subprocess.run([sys.executable, "-m", "service.cli", "deploy"], cwd=CHECKOUT, env=environment, check=True)
    server.execute(f'ALTER DATABASE "{made}" RENAME TO "{name}"')


if __name__ == "__main__":
    main(sys.argv[1])
