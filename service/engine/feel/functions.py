"""All standard functions of FEEL, by name."""

from __future__ import annotations

from service.engine.feel import interval_functions, list_functions, number_functions, text_functions, time_functions
from service.engine.feel.signatures import Overload, function

_FORMS: dict[str, list[Overload]] = {
    **text_functions.FORMS,
    **number_functions.FORMS,
    **list_functions.FORMS,
    **time_functions.FORMS,
    **interval_functions.FORMS,
}
FUNCTIONS = {name: function(name, overloads) for name, overloads in _FORMS.items()}
NAMES_OF_PARAMETERS = frozenset(
    name for overloads in _FORMS.values() for overload in overloads for name in overload.names if " " in name
)
