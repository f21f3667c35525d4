"""A value that must not be seen: masked by its type in every repr, log, error and test."""

import hmac


class Secret:
    """A secret text. `reveal()` is the only way to it, so that each use can be found."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret itself; call it at the edge only, where it is used."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(•••)"

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a secret is no key

    def __reduce__(self) -> str:
        raise TypeError("a secret is not pickled")


def masked(text: str, secrets: tuple[Secret, ...]) -> str:
    """The text with every given secret replaced, for messages that quote what a server said."""
    for secret in secrets:
        if secret.reveal():
            text = text.replace(secret.reveal(), "•••")
    return text
