"""Flask-Babel with the English that stands in diagrams and forms behind that of the catalogue."""

from __future__ import annotations

from babel.support import NullTranslations
from flask_babel import Babel, Domain, get_locale
from werkzeug.utils import cached_property

from service.models.queries.system import diagram_english


class DiagramWords(NullTranslations):
    """Texts that the catalogue does not have: they are the administrators' own."""

    def gettext(self, message: str) -> str:
        """The English beside a text of a diagram, else the text itself."""
        return diagram_english.english_of(message) or message


class CatalogueWithDiagrams(Domain):
    """The catalogue, and behind it what diagrams and forms say."""

    def get_translations(self) -> NullTranslations:
        """The translations of the language in force."""
        is_first = (str(get_locale()), self.domain[0]) not in self.cache
        found = super().get_translations()
        if is_first and str(get_locale()) == "en":
            found.add_fallback(DiagramWords())
        return found


class BabelWithDiagrams(Babel):
    """Babel whose texts come from the catalogue and from diagrams."""

    @cached_property
    def domain_instance(self) -> Domain:
        """The one domain of texts."""
        return CatalogueWithDiagrams(domain=self.domain)
