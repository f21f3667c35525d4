"""What a page says when there is nothing to pay on it any more, in the languages of Puntual's notices."""

from collections.abc import Mapping
from types import MappingProxyType

from .port import LinkEnd

_ENGLISH: Mapping[LinkEnd, str] = MappingProxyType(
    {
        LinkEnd.PAID: "This invoice has been paid. Thank you.",
        LinkEnd.VOID: "This invoice was cancelled; nothing has to be paid.",
        LinkEnd.CHANGED: "The amount of this invoice has changed. Please use the link in our latest message.",
        LinkEnd.EXPIRED: "This link is no longer valid. Please use the link in our latest message.",
    }
)
_SPANISH: Mapping[LinkEnd, str] = MappingProxyType(
    {
        LinkEnd.PAID: "Esta factura ya está pagada. Muchas gracias.",
        LinkEnd.VOID: "Esta factura ha sido anulada; no hay nada que pagar.",
        LinkEnd.CHANGED: "El importe de esta factura ha cambiado. Por favor, utilice el enlace de nuestro último mensaje.",
        LinkEnd.EXPIRED: "Este enlace ya no es válido. Por favor, utilice el enlace de nuestro último mensaje.",
    }
)
_BY_LANGUAGE = {"en": _ENGLISH, "es": _SPANISH}


def ended(why: LinkEnd, language: str) -> str:
    """The sentence in this language (`es`, `es-MX`, `en_GB`), in English where there is none; at most Stripe's 500 characters."""
    return _BY_LANGUAGE.get(language.replace("_", "-").split("-")[0].lower(), _ENGLISH)[why]
