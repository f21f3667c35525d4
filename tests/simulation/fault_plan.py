"""What goes wrong in a seed. A seed draws which kinds of faults there are and how often (swarm testing: Groce et al., ISSTA 2012), so that
rare combinations come up; whether one strikes at a point is drawn at that point."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

KINDS = {
    # how likely each is at a point of its kind, when the seed has it
    "crash": 0.02,
    "stall": 0.015,
    "lost_answer": 0.03,
    "unavailable": 0.03,
    "half_a_body": 0.02,
    "mail_lost": 0.25,
    "mail_refused": 0.12,
    "mail_failed": 0.12,
    "mail_settings": 0.03,
    "disk_full": 0.004,
    "commit_unanswered": 0.003,
    "meddling": 0.04,
    "worst_moment": 0.3,
}
"""Struck at points."""
SPELLS = ("storm_429", "ledger_down", "revoked", "database_away", "broken_policy", "sleep", "skew", "restart", "duplicate_webhooks")
"""Last for a while, from a moment of the storm on."""


@dataclass
class Weather:
    """The faults of a seed. Nothing strikes from `calm_from` on."""

    random: Random
    calm_from: datetime
    often: dict[str, float] = field(default_factory=dict)
    spells: tuple[str, ...] = ()

    @classmethod
    def drawn(cls, seed: int, calm_from: datetime) -> "Weather":
        """By the seed alone. One in twelve has no faults at all."""
        random = Random(f"weather {seed}")
        if random.random() < 1 / 12:
            return cls(random, calm_from)
        share = random.choice((0.25, 0.5, 0.9))
        strength = random.choice((0.5, 1.0, 1.0, 2.5))
        often = {kind: p * strength for kind, p in KINDS.items() if random.random() < share}
        spells = tuple(spell for spell in SPELLS if random.random() < share)
        return cls(random, calm_from, often, spells)

    def strikes(self, kind: str, now: datetime) -> bool:
        """Whether this fault strikes here and now."""
        p = self.often.get(kind)
        return p is not None and now < self.calm_from and self.random.random() < p

    def spell(self, begin: datetime, longest: timedelta) -> tuple[datetime, datetime]:
        """A while within the storm."""
        length = longest * self.random.random() ** 2
        room = max(self.calm_from - begin - length, timedelta(0))
        start = begin + room * self.random.random()
        return start, min(start + length, self.calm_from)
