"""The error tree, ordered by who must act.

The first line of a class's docstring is what a person reads; the detail given when it is raised says what, where and what to do next.
"""


class PuntualError(Exception):
    """Something went wrong."""

    exit_code = 1

    def __init__(self, detail: str = "", *, hint: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint

    @classmethod
    def meaning(cls) -> str:
        """What this kind of error means, for a person."""
        return (cls.__doc__ or "").strip().splitlines()[0]

    def __str__(self) -> str:
        parts = [self.meaning(), self.detail, self.hint]
        return " ".join(part if part.endswith((".", "!", "?", ":")) else f"{part}." for part in parts if part)


class CompanyMustAct(PuntualError):
    """A person at the company has to do something before this can go on."""


class PolicyProblem(CompanyMustAct):
    """The policy file has to be corrected."""

    exit_code = 2


class AuthorizationExpired(CompanyMustAct):
    """The ledger no longer accepts our key or password; somebody must connect it again."""


class PermissionMissing(CompanyMustAct):
    """The ledger user lacks a right that Puntual needs."""


class BooksUnreadable(CompanyMustAct):
    """The books cannot be read as they are."""


class GuardStopped(CompanyMustAct):
    """The run was stopped, because its plan does not look plausible."""


class TryLater(PuntualError):
    """Nothing is wrong for good; it is worth trying again later."""

    exit_code = 75


class RateLimited(TryLater):
    """The ledger asks us to wait; Puntual comes back later."""

    def __init__(self, detail: str = "", *, hint: str = "", retry_after: int | None = None) -> None:
        """`retry_after` is in seconds, as the ledger asked, or None when it did not say."""
        super().__init__(detail, hint=hint)
        self.retry_after = retry_after


class QuotaUsedUp(RateLimited):
    """The calls to the ledger that are allowed for now are used up, or kept for what matters more; Puntual comes back later."""


class LedgerUnavailable(TryLater):
    """The ledger does not answer properly at the moment; Puntual comes back later."""


class MustStop(TryLater):
    """This run has to stop where it is; what it did stands, and the rest is done later."""


class AnotherRunUnderWay(MustStop):
    """Another run for this company is under way."""


class StoppedEarly(MustStop):
    """The run stopped at a safe place, because its worker is stopping or because its time was over."""


class Refused(PuntualError):
    """The ledger refused this document; it is on the list for people and the rest goes on."""


class PeriodLocked(Refused):
    """The ledger refused because the period is locked."""


class StaleVersion(Refused):
    """The document changed in the ledger since it was read."""


class RejectedByLedger(Refused):
    """The ledger refused what we asked for."""

    def __init__(self, detail: str = "", *, hint: str = "", code: str = "") -> None:
        """`code` is the vendor's own error code, kept for support."""
        super().__init__(detail, hint=hint)
        self.code = code


class UnsupportedFeature(PuntualError):
    """This ledger cannot do that."""


class OurBug(PuntualError):
    """Puntual itself did something wrong; nothing was sent because of it."""


class UnexpectedResponse(OurBug):
    """The ledger answered in a way that Puntual does not understand."""


class BrokenInvariant(OurBug):
    """Something that must never happen happened, so Puntual stopped."""
