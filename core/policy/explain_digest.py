"""The digest of a policy, in sentences that a bookkeeper can check."""

from collections.abc import Iterator

from .digest_schema import Digest, Every
from .schedule_schema import Weekday
from .sentences import listed

_DAYS = dict(zip(Weekday, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True))


def digest_sentences(digest: Digest | None) -> Iterator[str]:
    """Who of the company's own people is told what was done, and when."""
    if digest is None:
        yield "Nobody at the company gets a digest by mail."
        return
    when = f"every {_DAYS[digest.day or Weekday.MON]}" if digest.every is Every.WEEKLY else "every day"
    yield f"A host sends a digest {when} at {digest.at:%H:%M} to {listed(list(digest.to))}: what was done, and what waits for a person."
