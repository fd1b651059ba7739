"""Variables live in scopes, not on tokens (BPMN 2.0 §10.4.1): the process, an instance of what repeats, an activity
with parameters.

What reads, reads from its scope outward. What writes, writes to the nearest scope outward that has the name, else to
the scope of the process. Input parameters, items of a collection and attributes of loops are local.
"""

from __future__ import annotations

from collections.abc import Callable

from service.engine.kernel.types import Data


class DataScope:
    """Some variables, and the scope around them, which the outermost has not.

    of_process: what no scope has yet is written here; closed: what is outside is not seen.
    """

    __slots__ = ("closed", "of_process", "outer", "values")

    def __init__(
        self, values: Data, outer: DataScope | None = None, *, of_process: bool = False, closed: bool = False
    ) -> None:
        self.values, self.outer, self.of_process, self.closed = values, outer, of_process, closed

    def attributes(self) -> Data:
        """Values that the engine itself keeps here: none, but for instances."""
        return {}

    def has(self, name: str) -> bool:
        """Tell whether a variable lives in this very scope."""
        return name in self.values

    def variables(self, *, with_attributes: bool = False) -> Data:
        """All that is seen from here, the nearest of each name; not to be changed."""
        if self.outer is None or self.closed:
            return self.values
        around = self.outer.variables(with_attributes=with_attributes)
        own = {**self.attributes(), **self.values} if with_attributes else self.values
        return {**around, **own} if own else around

    def write(self, values: Data) -> None:
        """Set each variable where it lives, a new one in the scope of the process."""
        for name, value in values.items():
            scope = self
            while scope.outer is not None and not scope.of_process and not scope.has(name):
                scope = scope.outer
            scope.values[name] = value


class InstanceScope(DataScope):
    """The variables of one instance of a loop or multi-instance activity, and the attributes that BPMN gives it.

    attributes: of the loop as they are when asked; local: a name that lives here though nothing has set it yet.
    """

    __slots__ = ("_attributes", "local")

    def __init__(self, values: Data, outer: DataScope, attributes: Callable[[], Data], local: str | None) -> None:
        super().__init__(values, outer)
        self._attributes, self.local = attributes, local

    def attributes(self) -> Data:
        """``loopCounter``, and of multiple instances how many there are."""
        return self._attributes()

    def has(self, name: str) -> bool:
        return name in self.values or name == self.local or name in self._attributes()
