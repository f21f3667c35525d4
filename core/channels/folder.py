"""Mail as files: each message lands as an .eml in a folder, once. For trying things out, and where another program fetches the mail."""

import hashlib
import os
import re
import tempfile
import unicodedata
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from pathlib import Path

from ..errors import CompanyMustAct
from .email import as_wire, recipient_of
from .port import Delivery, DeliveryStatus

_HASH_LENGTH = 16
_LONGEST_SLUG = 60


class FolderTransport:
    """Writes `<yyyy-mm-dd>-<recipient>-<hash>.eml`. A message whose Message-ID is already there is not written again."""

    def __init__(self, folder: Path) -> None:
        """The folder is made when it is first needed."""
        self._folder = folder
        self._known: dict[str, str] | None = None

    def deliver(self, message: EmailMessage) -> Delivery:
        """Write the file, whole or not at all. Raises CompanyMustAct when the folder cannot be written to."""
        digest = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:_HASH_LENGTH]
        try:
            known = self._files()
            if digest not in known:
                known[digest] = self._write(f"{_day(message)}-{_slug(recipient_of(message).addr_spec)}-{digest}.eml", as_wire(message))
        except OSError as error:
            detail = f"The mail folder {self._folder} cannot be written to: {error.strerror}"
            raise CompanyMustAct(detail, hint="Check mail.folder, its rights and the space on its disk") from error
        return Delivery(DeliveryStatus.SENT, vendor_id=known[digest])

    def close(self) -> None:
        """Nothing to let go of."""

    def _files(self) -> dict[str, str]:
        """The files that are there, by the hash in their name; read once."""
        if self._known is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._known = {path.stem.rsplit("-", 1)[-1]: path.name for path in self._folder.glob("*.eml")}
        return self._known

    def _write(self, name: str, content: bytes) -> str:
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", suffix=".part", delete=False) as part:
            try:
                part.write(content)
                part.flush()
                os.fsync(part.fileno())
                self._publish(Path(part.name), self._folder / name)
            finally:
                Path(part.name).unlink(missing_ok=True)
        return name

    def _publish(self, part: Path, final: Path) -> None:
        """Give the finished file its name, unless another process was first. A link never replaces a file; some disks have no links."""
        part.chmod(0o644)
        try:
            final.hardlink_to(part)
        except FileExistsError:
            return
        except OSError:
            part.replace(final)


def _day(message: EmailMessage) -> str:
    return parsedate_to_datetime(str(message["Date"])).strftime("%Y-%m-%d")


def _slug(address: str) -> str:
    plain = unicodedata.normalize("NFKD", address).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:_LONGEST_SLUG].strip("-") or "nobody"
