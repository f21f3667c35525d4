"""Values of a connector that are read when they are first asked for, and then kept."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

T = TypeVar("T")


class cached_property(Generic[T]):  # noqa: N801 - in place of the one of functools
    """As functools.cached_property, without its lock. Before Python 3.12 all instances of a class share that lock while the value is made
    (https://docs.python.org/3/library/functools.html#functools.cached_property), so that one slow ledger would hold up every company.

    An instance belongs to one thread.
    """

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = ""
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type | None = None) -> "cached_property[T]": ...

    @overload
    def __get__(self, instance: object, owner: type | None = None) -> T: ...

    def __get__(self, instance: object | None, owner: type | None = None) -> "cached_property[T] | T":
        if instance is None:
            return self
        made = self._make(instance)
        instance.__dict__[self._name] = made
        return made
