"""The pages by which a company lets Puntual into its books with a link: what is allowed, the way to the ledger and back, which books.

Looking at a link uses nothing up, so that neither a preview nor a mail scanner can spoil it. The question is put when a person presses the
button; its answer counts only in that browser, by a cookie that no other site can set or send.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ..errors import CompanyMustAct, PolicyProblem, PuntualError
from ..history.connect_links import ConnectLink
from ..history.sealing import KeysMissing
from ..hosting.logs import tell, telling_about
from ..secret import Secret
from ..worker.access import door_of, whose_books
from ..worker.desk import Desk
from ..worker.inviting import (
    AnswerUnknown,
    Choice,
    LinkUnusable,
    answered_by_link,
    ask_by_link,
    check_return,
    chosen_by_link,
    is_secret,
    link_of_answer,
    new_secret,
    open_link,
)
from ..worker.wiring import connector_entry, keyring
from .bodies import body_of, form_in
from .pages import Pages, instant_said, language_of
from .site import Site

CHOOSE_PATH = "/connect/choose"
COOKIE = "__Host-puntual-connect"
_FORM_LIMIT = 8 * 1024
_READ_WITHIN = 10
_LOOK_SECONDS = 10
_LEDGER_SECONDS = 60
_WHOSE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class _Connected:
    """It is done; what remains is to say so. `whose` are the books, as far as the consent said."""

    desk: Desk
    link: ConnectLink
    whose: str


class ConnectPages:
    """The pages, in the order in which a person sees them."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._pages = Pages(site.address)

    async def show(self, request: Request) -> Response:
        """What the link is for, and what would be allowed."""
        token, accepted = request.path_params["token"], _accepted(request)
        kept = _browser_of(request)
        response = await self._done(lambda: self._shown(token, accepted), accepted, _LOOK_SECONDS)
        if response.status_code == 200 and not is_secret(kept.reveal()):
            response.set_cookie(COOKIE, new_secret().reveal(), secure=True, httponly=True, samesite="lax")
        return response

    async def ask(self, request: Request) -> Response:
        """The person pressed the button: on to the ledger."""
        await body_of(request, _FORM_LIMIT, _READ_WITHIN)
        token, browser, accepted = request.path_params["token"], _browser_of(request), _accepted(request)
        if not _is_own_form(request, browser):
            return self._pages.sorry("browser", language_of(accepted), 400)
        return await self._done(lambda: self._asked(token, browser), accepted, _LOOK_SECONDS)

    async def back(self, request: Request) -> Response:
        """The ledger led the browser back, with an answer."""
        if request.method != "GET":
            raise HTTPException(405, headers={"Allow": "GET"})
        answer, browser, accepted = dict(request.query_params), _browser_of(request), _accepted(request)
        return await self._done(lambda: self._answered(answer, browser, accepted), accepted, _LEDGER_SECONDS, ("refused", 400))

    async def choose(self, request: Request) -> Response:
        """The person said which of several sets of books is meant."""
        form = form_in(await body_of(request, _FORM_LIMIT, _READ_WITHIN))
        browser, accepted = _browser_of(request), _accepted(request)
        if not _is_own_form(request, browser):
            return self._pages.sorry("browser", language_of(accepted), 400)
        return await self._done(lambda: self._chosen(form, browser), accepted, _LEDGER_SECONDS)

    # --- what blocks ----------------------------------------------------------------------------------------------------------

    def _shown(self, token: str, accepted: str) -> Response:
        link = open_link(self._site.engine, token, self._site.now())
        desk = self._site.desk(link.company, look=True)
        _, authorizer = door_of(desk)
        try:
            check_return(desk, authorizer, self._site.address)
        finally:
            authorizer.close()
        policy = desk.policy
        language = language_of(accepted, policy.company.locale)
        until = instant_said(link.expires_at, policy.company.time_zone, language, policy.company.locale)
        does = {"charges": policy.late_charges is not None, "payments": any(each.webhook_secret for each in policy.payment_links)}
        return self._page("connect", desk, accepted, until=until, **does)

    def _asked(self, token: str, browser: Secret) -> Response:
        link = open_link(self._site.engine, token, self._site.now())
        with telling_about(company=link.company):
            desk = self._site.desk(link.company, look=True)
            url = ask_by_link(desk, link, self._site.address, browser, keyring(self._site.place.directory))
            tell("connecting begun")
        return RedirectResponse(url, 303)

    def _answered(self, answer: dict[str, str], browser: Secret, accepted: str) -> "Response | _Connected":
        link = link_of_answer(self._site.engine, answer.get("state", ""), browser, self._site.now())
        with telling_about(company=link.company):
            if answer.get("error") == "access_denied":
                tell("connecting declined")
                return self._pages.sorry("declined", language_of(accepted), 200)
            desk = self._site.desk(link.company)
            found = answered_by_link(desk, link, answer, keyring(self._site.place.directory))
            if not isinstance(found, Choice):
                return _Connected(desk, link, found.tenant_name or found.tenant_id)
            tell("connecting waits for a choice", books=len(found.books))
            words = {"state": found.state.reveal(), "books": found.books, "before": found.before, "action": CHOOSE_PATH}
            return self._page("choose", desk, accepted, **words)

    def _chosen(self, form: Mapping[str, str], browser: Secret) -> "_Connected":
        link = link_of_answer(self._site.engine, form.get("state", ""), browser, self._site.now())
        with telling_about(company=link.company):
            desk = self._site.desk(link.company)
            found = chosen_by_link(desk, link, form.get("books", ""), keyring(self._site.place.directory))
            return _Connected(desk, link, found.tenant_name or found.tenant_id)

    def _page(self, name: str, desk: Desk, accepted: str, **words: Any) -> Response:
        seller, ledger = desk.policy.company, connector_entry(desk.policy.ledger.type).title
        return self._pages.page(name, language_of(accepted, seller.locale), company=seller.name, ledger=ledger, **words)

    async def _done(
        self, work: "Callable[[], Response | _Connected]", accepted: str, seconds: int, no: tuple[str, int] = ("later", 503)
    ) -> Response:
        """The page that `work` makes, or one that says in general words why there is none: `no` when somebody has to mend something."""
        try:
            made = await self._site.page_hands.do(work, seconds)
        except LinkUnusable:
            return self._pages.sorry("link", language_of(accepted), 404)
        except AnswerUnknown:
            return self._pages.sorry("answer", language_of(accepted), 400)
        except (PuntualError, DBAPIError) as error:
            is_refused = isinstance(error, CompanyMustAct) and not isinstance(error, PolicyProblem | KeysMissing)
            tell("connecting failed", logging.WARNING, why=str(error) if isinstance(error, PuntualError) else "the database")
            why, status = no if is_refused else ("later", 503)
            return self._pages.sorry(why, language_of(accepted), status)
        return made if isinstance(made, Response) else await self._thanks(made, accepted)

    async def _thanks(self, made: "_Connected", accepted: str) -> Response:
        """Say whose books they are, as the ledger says it now; when it does not, as it said before."""
        whose = made.whose
        with telling_about(company=made.desk.company):
            tell("connected", made_by=made.link.made_by)
            try:
                whose = (await self._site.page_hands.do(lambda: whose_books(made.desk), _WHOSE_SECONDS)).name or whose
            except (PuntualError, DBAPIError) as error:
                tell("connected books not read yet", logging.WARNING, why=str(error))
        response = self._page("connected", made.desk, accepted, whose=whose)
        response.delete_cookie(COOKIE, secure=True, httponly=True, samesite="lax")
        return response


def _accepted(request: Request) -> str:
    return request.headers.get("accept-language", "")


def _browser_of(request: Request) -> Secret:
    """What only this browser has, empty when it has nothing of ours."""
    return Secret(request.cookies.get(COOKIE, ""))


def _is_own_form(request: Request, browser: Secret) -> bool:
    """Whether a form was sent from a page of ours: the cookie does not come along from other sites, and no other host can set it."""
    return is_secret(browser.reveal()) and request.headers.get("sec-fetch-site", "same-origin") == "same-origin"
