"""The online pages of invoices, remembered: Xero gives them by one call an invoice, and they never change.

They lie in the company's own folder, one line each; a line that was cut off by a crash is passed over and asked for again.
"""

from collections.abc import Mapping
from pathlib import Path

_NAME = "xero-pages.txt"


class PageStore:
    """Addresses by invoice of one organisation."""

    def __init__(self, folder: Path, tenant: str) -> None:
        self._path = folder / _NAME
        self._tenant = tenant
        self._known: dict[str, str] | None = None

    def known(self) -> Mapping[str, str]:
        """All that are remembered."""
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> dict[str, str]:
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        except OSError:
            return {}
        whole = (line.split() for line in lines if line.endswith("\n"))
        return {parts[1]: parts[2] for parts in whole if len(parts) == 3 and parts[0] == self._tenant}

    def add(self, pages: Mapping[str, str]) -> None:
        """Remember these, too. What cannot be kept is asked for again the next time."""
        lines = "".join(f"{self._tenant} {invoice} {page}\n" for invoice, page in pages.items() if len(page.split()) == 1)
        self._known = {**self.known(), **pages}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError:
            return
