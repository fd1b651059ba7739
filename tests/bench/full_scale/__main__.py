"""``make full-demo``: fill an empty database with a country's data."""

from __future__ import annotations

import sys

from tqdm import tqdm

from service.app import create_app
from service.cli.context import database
from service.cli.processes import bring_up_to_date
from tests.bench.full_scale.fill import fill


def main() -> None:
    """Fill the database of the settings; exit with a message when it holds data already."""
    with database() as chosen:
        app = create_app(chosen)
        bring_up_to_date(app, chosen)
        with app.app_context(), tqdm(desc="full-scale data", unit=" rows", file=sys.stderr, mininterval=0.5) as bar:

            def show(done: int, total: int) -> None:
                bar.total = total
                bar.update(done - bar.n)

            is_new = fill(progress=show)
    if not is_new:
        sys.exit("There are data already, nothing was added. Set ANPEI_DATA_DIR to a new folder.")
    print("The full-scale data are in place.")


if __name__ == "__main__":
    main()
