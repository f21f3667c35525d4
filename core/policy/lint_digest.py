"""Checks of `digest`: a day of the week goes with a weekly one only."""

from collections.abc import Iterator

from .digest_schema import Digest, Every
from .problems import Finding
from .sections import Section


def digest_findings(policy: Section) -> Iterator[Finding]:
    """What cannot be carried out as it is written."""
    digest = policy.section("digest", Digest)
    if digest.given("day") and digest.sound("every") is Every.DAILY:
        yield Finding((*digest.path, "day"), "`day` is for a weekly digest", "every: weekly, or leave it out", on_key=True)
