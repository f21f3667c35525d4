"""How Odoo refuses: the name of an exception, its text, and the status that JSON-2 gives it."""


class OdooFault(Exception):
    """A refusal, as both external APIs report it."""

    def __init__(self, name: str, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.name = name
        self.message = message
        self.status = status


def access_error(model: str, label: str) -> OdooFault:
    """The user lacks the right on a model."""
    groups = "This operation is allowed for the following groups:\n\t- Invoicing/Administrator\n\t- Invoicing/Invoicing"
    return OdooFault("odoo.exceptions.AccessError", f"You are not allowed to access '{label}' ({model}) records.\n\n{groups}", 403)


def missing_error(model: str, key: int, user: int) -> OdooFault:
    """A record that is gone."""
    text = f"Record does not exist or has been deleted.\n(Record: {model}({key},), User: {user})"
    return OdooFault("odoo.exceptions.MissingError", text, 404)


def value_error(message: str) -> OdooFault:
    """A mistake in the question: an unknown field, a wrong leaf."""
    return OdooFault("builtins.ValueError", message)


def no_method(model: str, method: str) -> OdooFault:
    """A method that does not exist, or that this stand-in does not know."""
    return OdooFault("builtins.AttributeError", f"The method '{model}.{method}' does not exist", 404)


def wrong_arguments(message: str) -> OdooFault:
    """An argument that is missing or unknown."""
    return OdooFault("builtins.TypeError", message, 422)
