"""``check``: every text has its English, none is stale. ``update``: collect texts, drop stale ones, compile."""

from __future__ import annotations

import re
import sys

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from setup import sources, texts
from setup.step import CHECKOUT

ENGLISH = texts.TRANSLATIONS / "en" / "LC_MESSAGES" / "messages.po"
HEADER = "# English for the Chinese texts of Anpei; collected by `make translations`, checked by `make check`."
MISSING = CHECKOUT / "build" / "missing.po"
PLACES = re.compile(r"%\(\w+\)[sd]|%%|\{\w*\}")


def main() -> int:
    if sys.argv[1:] == ["update"]:
        return _update()
    found = problems()
    print("\n".join(found) or f"translations: {len(sources.texts())} texts, all in English")
    if found:
        print("Collect texts with `make translations`, then write the English into service/translations/en.")
    return 1 if found else 0


def problems() -> list[str]:
    """What is wrong with the English catalogue, a line each."""
    used, catalogue = sources.texts(), _read()
    found = [f"{name}: no English: {text}" for text, name in used.items() if text not in catalogue]
    for message in catalogue:
        text, english = _first(message.id), _first(message.string)
        if not text:
            continue
        if text not in used:
            found.append(f"stale: {text}")
        elif not english.strip() or message.fuzzy or (english == text and sources.CHINESE.search(text)):
            found.append(f"{used[text]}: no English: {text}")
        elif sorted(PLACES.findall(text)) != sorted(PLACES.findall(english)):
            found.append(f"{used[text]}: other %(places)s in English: {text}")
    return found


def _update() -> int:
    """Keep what is translated and still used, in order, without dates and places, so that merges stay easy.

    What has no English yet goes to ``build/missing.po``, ready to be filled in and appended to the catalogue.
    """
    known, used = _read(), sources.texts()
    kept, missing = _empty(known), _empty(known)
    for text in used:
        message = known.get(text)
        if message and _first(message.string).strip():
            kept.add(message.id, message.string)
        else:
            missing.add(text, "")
    for file, catalogue in ((ENGLISH, kept), (MISSING, missing)):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as stream:
            write_po(stream, catalogue, width=None, no_location=True, sort_output=True, omit_header=file == MISSING)
    texts.compile_catalogues()
    print(f"{len(kept)} texts in English, {len(missing)} without" + (f": {MISSING}" if len(missing) else ""))
    return 0


def _empty(like: Catalog) -> Catalog:
    made = Catalog(locale="en", header_comment=HEADER, project="Anpei", version="-", fuzzy=False)
    made.msgid_bugs_address = made.last_translator = made.language_team = made.copyright_holder = "-"
    made.creation_date = made.revision_date = like.creation_date
    return made


def _read() -> Catalog:
    if not ENGLISH.exists():
        return Catalog(locale="en")
    with ENGLISH.open("rb") as file:
        return read_po(file, locale="en")


def _first(text: str | tuple[str, ...] | list[str]) -> str:
    return text if isinstance(text, str) else text[0]


if __name__ == "__main__":
    sys.exit(main())
