"""Flask-Babel with the English that stands in diagrams and forms behind that of the catalogue."""

from __future__ import annotations

from typing import Any

from babel import Locale
from babel.support import NullTranslations
from flask import Flask
from flask_babel import Babel, Domain, get_locale
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup
from werkzeug.utils import cached_property

from service.models.queries.system import diagram_english


class DiagramWords(NullTranslations):
    """Texts that the catalogue does not have: they are the administrators' own."""

    def gettext(self, message: str) -> str:
        """The English beside a text of a diagram, else the text itself."""
        return diagram_english.english_of(message) or message


class CatalogueWithDiagrams(Domain):
    """The catalogue, and behind it what diagrams and forms say."""

    def __init__(self) -> None:
        super().__init__()
        self._of_language: dict[Locale | None, NullTranslations] = {}
        self._latest: tuple[Locale | None, NullTranslations] = (None, NullTranslations())

    def get_translations(self) -> NullTranslations:
        """Return the translations of the language in force; a page asks for them some hundred times."""
        language = get_locale()
        latest = self._latest
        if language is not None and latest[0] is language:  # a request has one locale, and comparing two is slow
            return latest[1]
        found = self._of_language.get(language)
        if found is None:
            found = super().get_translations()
            if str(language) == "en":
                found.add_fallback(DiagramWords())
            self._of_language[language] = found
        self._latest = language, found
        return found


class BabelWithDiagrams(Babel):
    """Babel whose texts come from the catalogue and from diagrams, in templates without a search for the domain."""

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, configure_jinja=False, **options)
        words = self.domain_instance.get_translations
        app.jinja_env.add_extension("jinja2.ext.i18n")
        app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
            lambda text: words().ugettext(text), lambda one, many, n: words().ungettext(one, many, n), newstyle=True
        )

        @pass_eval_context
        def translate(context: EvalContext, text: str, /, **values: Any) -> str:
            """Write a text in the language in force; Jinja's own makes three calls of this one."""
            found = words().ugettext(text)
            if context.autoescape:
                found = Markup(found)  # noqa: S704 - texts of the catalogue and of the gate's diagrams; values are escaped
            return found % values if "%" in found else found

        app.jinja_env.globals |= {"_": translate, "gettext": translate}

    @cached_property
    def domain_instance(self) -> Domain:
        """The one domain of texts."""
        return CatalogueWithDiagrams()
