"""``check``: every text has its English, none is stale. ``update``: collect texts, drop stale ones, compile."""

from __future__ import annotations

import re
import sys

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from setup import sources, texts

ENGLISH = texts.TRANSLATIONS / "en" / "LC_MESSAGES" / "messages.po"
HEADER = "# English for the Chinese texts of Anpei; collected by `make translations`, checked by `make check`."
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
    found = [f"{name}: not in the catalogue: {text}" for text, name in used.items() if text not in catalogue]
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
    """Keep what is translated, add what is new without English; no dates and no places, so that merges stay easy."""
    before, after = _read(), Catalog(locale="en", header_comment=HEADER, project="Anpei", version="-", fuzzy=False)
    after.msgid_bugs_address = after.last_translator = after.language_team = after.copyright_holder = "-"
    after.creation_date = after.revision_date = before.creation_date
    for text in sources.texts():
        known = before.get(text)
        after.add(known.id if known else text, known.string if known else "", flags=known.flags if known else ())
    ENGLISH.parent.mkdir(parents=True, exist_ok=True)
    with ENGLISH.open("wb") as file:
        write_po(file, after, width=None, no_location=True, sort_output=True, ignore_obsolete=True)
    texts.compile_catalogues()
    print(f"{len(after)} texts, {sum(not _first(message.string) for message in after if message.id)} without English")
    return 0


def _read() -> Catalog:
    if not ENGLISH.exists():
        return Catalog(locale="en")
    with ENGLISH.open("rb") as file:
        return read_po(file, locale="en")


def _first(text: str | tuple[str, ...] | list[str]) -> str:
    return text if isinstance(text, str) else text[0]


if __name__ == "__main__":
    sys.exit(main())
