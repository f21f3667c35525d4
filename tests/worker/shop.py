"""An office whose notices offer ways to pay: payment codes, and pages at a stand-in of Stripe."""

from history.sample_books import COMPANY, TODAY
from puntual.core.history.database import reading
from puntual.core.history.links import links_of
from puntual.core.policy.schema import LinkProvider, PaymentLink
from puntual.core.secret import Secret
from puntual.core.worker.run import run
from stripe_stand_in import KEY, StripeStandIn
from worker.office import Office

STRIPE = PaymentLink(provider=LinkProvider.STRIPE, secret_key=Secret(KEY), valid_days=30)
CODE = PaymentLink(provider=LinkProvider.BANK_TRANSFER)
PAGES = PaymentLink(provider=LinkProvider.LEDGER)


class Shop:
    """The office, with ways to pay; `details` False: without an account to pay into."""

    def __init__(self, office: Office, stripe: StripeStandIn, *links: PaymentLink, details: bool = True) -> None:
        self.office, self.stripe, self.links, self.details = office, stripe, links, details

    def desk(self):
        desk = self.office.desk()
        desk.policy = desk.policy.model_copy(update={"payment_links": self.links} | ({} if self.details else {"payment_details": {}}))
        desk.rulebook = type(desk.rulebook).of(desk.policy)
        desk.stripe_url = self.stripe.url
        return desk

    def run(self, on=TODAY):
        self.office.at(on)
        return run(self.desk(), on)

    def kept(self, item="i1/1"):
        with reading(self.office.engine) as conn:
            return [(link.reference, str(link.amount), link.why) for link in links_of(conn, COMPANY, [item]).get(item, ())]

    def active(self):
        return [key for key, link in self.stripe.links.items() if link["active"]]
