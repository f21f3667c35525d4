"""A strict stand-in of the part of Stripe's API that makes payment links, over real HTTP on this machine.

Written from Stripe's API reference (Payment Links, Checkout Sessions, Idempotent requests, Errors): an unknown or malformed parameter is
refused, a repeated idempotency key answers what it answered before, and the same key with another body is an error.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from puntual.connectors.stub_server import StubServer
from werkzeug.wrappers import Request, Response

KEY = "sk_test_not-for-messages"
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
API_VERSION = re.compile(r"20\d\d-\d\d-\d\d\.[a-z]+")

TEXT, WHOLE = re.compile(r"(?s).{1,500}"), re.compile(r"[1-9]\d{0,11}")
CREATE: Mapping[str, re.Pattern[str]] = {
    "line_items[0][price_data][currency]": re.compile(r"[a-z]{3}"),
    "line_items[0][price_data][unit_amount]": WHOLE,
    "line_items[0][price_data][product_data][name]": re.compile(r".{1,250}"),
    "line_items[0][quantity]": re.compile("1"),
    "restrictions[completed_sessions][limit]": WHOLE,
    "submit_type": re.compile("pay|auto|book|donate"),
    "inactive_message": TEXT,
    "payment_intent_data[description]": TEXT,
}
METADATA = re.compile(r"(payment_intent_data\[metadata\]|metadata)\[([a-z_]{1,40})\]")
UPDATE: Mapping[str, re.Pattern[str]] = {"active": re.compile("true|false"), "inactive_message": TEXT}


class Wrong(Exception):
    """A request that Stripe refuses."""

    def __init__(self, status: int, code: str, message: str, kind: str = "invalid_request_error") -> None:
        self.status, self.error = status, {"type": kind, "code": code, "message": message}


class StripeStandIn(StubServer):
    """`links` and `sessions` by id, as Stripe holds them; `bodies` are the forms that made links; `minimum` is the least it takes;
    `is_live` whether what is paid is money."""

    def __init__(self, now: Callable[[], datetime] = lambda: NOW) -> None:
        super().__init__(now, retry_after=7)
        self._now = now
        self.links: dict[str, dict[str, Any]] = {}
        self.sessions: dict[str, dict[str, Any]] = {}
        self.asked: dict[str, tuple[int, str]] = {}
        self.bodies: list[dict[str, str]] = []
        self.keys: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.seen: Counter[str] = Counter()
        self.minimum = 50
        self.switches_off_when_used = True
        self.is_live = True

    def open_page(
        self,
        link_id: str,
        status: str = "open",
        payment: str = "unpaid",
        intent: str = "processing",
        refunded: int = 0,
        disputed: bool = False,
    ) -> str:
        """A customer opens a link; with `status` complete, goes through to the end."""
        key, at, asked = f"cs_test_{len(self.sessions) + 1}", int(self._now().timestamp()), self.asked[link_id]
        charge = {"id": f"ch_{key}", "object": "charge", "amount_refunded": refunded, "disputed": disputed}
        self.sessions[key] = {
            "id": key, "object": "checkout.session", "payment_link": link_id, "status": status, "payment_status": payment,
            "created": at - 60, "livemode": self.is_live, "amount_total": asked[0], "currency": asked[1],
            "payment_intent": {
                "id": f"pi_{key}", "object": "payment_intent", "status": intent, "created": at,
                "latest_charge": None if intent in ("requires_payment_method", "canceled") else charge,
            },
        }  # fmt: skip
        if status == "complete":
            self.links[link_id]["restrictions"]["completed_sessions"]["count"] += 1
            self.links[link_id]["active"] = not self.switches_off_when_used
        return key

    def rate_limited(self) -> Response:
        return self._error(Wrong(429, "rate_limit", "Too many requests", "rate_limit_error"), {"Retry-After": str(self.retry_after)})

    def unavailable(self, status: int) -> Response:
        return self._error(Wrong(status, "", "Something went wrong", "api_error"))

    def respond(self, request: Request) -> Response:
        try:
            self._let_in(request)
            return self._route(request)
        except Wrong as wrong:
            return self._error(wrong)

    def _let_in(self, request: Request) -> None:
        if request.headers.get("Authorization") != f"Bearer {KEY}" or self.refuses_key():
            raise Wrong(401, "", f"Invalid API Key provided: {request.headers.get('Authorization')}")
        if not API_VERSION.fullmatch(request.headers.get("Stripe-Version", "")):
            raise Wrong(400, "api_version_invalid", "No version")
        if request.method == "POST" and request.mimetype != "application/x-www-form-urlencoded":
            raise Wrong(400, "content_type", "Not a form")

    def _route(self, request: Request) -> Response:
        match [request.method, *request.path.strip("/").split("/")[1:]]:
            case ["POST", "payment_links"]:
                return self._created(request)
            case ["GET", "payment_links", key]:
                return self._json(self._link(key))
            case ["POST", "payment_links", key]:
                return self._updated(self._link(key), _form(request, UPDATE))
            case ["GET", "checkout", "sessions"]:
                return self._listed(request)
            case ["POST", "checkout", "sessions", key, "expire"]:
                return self._expired(self.sessions[key])
        raise Wrong(404, "unknown_url", f"Unrecognized request URL {request.path}")

    def _created(self, request: Request) -> Response:
        key, body = request.headers.get("Idempotency-Key", ""), request.get_data()
        if not key or len(key) > 255:
            raise Wrong(400, "idempotency_key", "No key")
        self.seen[key] += 1
        if key in self.keys:
            if self.keys[key][0] != body:
                raise Wrong(400, "", "Keys for idempotent requests can only be used with the same parameters", "idempotency_error")
            return self._json(self.keys[key][1], {"Idempotent-Replayed": "true"})
        link = self._make(_form(request, CREATE, METADATA))
        self.keys[key] = (body, json.loads(json.dumps(link)))
        return self._json(link, {"X-Wrote": "1"})

    def _make(self, form: dict[str, str]) -> dict[str, Any]:
        if missing := CREATE.keys() - form.keys():
            raise Wrong(400, "parameter_missing", f"Missing required param: {sorted(missing)}")
        if int(form["line_items[0][price_data][unit_amount]"]) < self.minimum:
            raise Wrong(400, "amount_too_small", f"The amount must be at least {self.minimum}. Key {KEY}")
        self.bodies.append(form)
        key = f"plink_{len(self.links) + 1}"
        self.asked[key] = int(form["line_items[0][price_data][unit_amount]"]), form["line_items[0][price_data][currency]"]
        limit = int(form["restrictions[completed_sessions][limit]"])
        self.links[key] = {
            "id": key, "object": "payment_link", "active": True, "url": f"https://buy.stripe.com/test_{key}", "livemode": False,
            "inactive_message": form["inactive_message"], "restrictions": {"completed_sessions": {"count": 0, "limit": limit}},
            "metadata": {found[2]: form[name] for name in form if (found := METADATA.fullmatch(name)) and found[1] == "metadata"},
        }  # fmt: skip
        return self.links[key]

    def _updated(self, link: dict[str, Any], form: dict[str, str]) -> Response:
        link.update(form | {"active": form.get("active", "true") == "true"})
        return self._json(link)

    def _listed(self, request: Request) -> Response:
        asked = request.args.to_dict()
        expand = asked.pop("expand[0]", "")
        if set(asked) != {"payment_link", "status", "limit"} or expand not in ("", "data.payment_intent.latest_charge"):
            raise Wrong(400, "parameter_unknown", f"Received unknown parameters: {sorted(asked)}")
        data = [s for s in self.sessions.values() if (s["payment_link"], s["status"]) == (asked["payment_link"], asked["status"])]
        shown = data if expand else [session | {"payment_intent": session["payment_intent"]["id"]} for session in data]
        return self._json({"object": "list", "data": shown, "has_more": False, "url": "/v1/checkout/sessions"})

    def _expired(self, session: dict[str, Any]) -> Response:
        if session["status"] != "open":
            raise Wrong(400, "resource_invalid_state", "This Checkout Session is not open")
        session["status"] = "expired"
        return self._json(session)

    def _link(self, key: str) -> dict[str, Any]:
        if key not in self.links:
            raise Wrong(404, "resource_missing", f"No such payment link: '{key}'")
        return self.links[key]

    def _json(self, said: dict[str, Any], headers: Mapping[str, str] | None = None) -> Response:
        return Response(json.dumps(said), 200, {"Request-Id": "req_1", **(headers or {})}, mimetype="application/json")

    def _error(self, wrong: Wrong, headers: Mapping[str, str] | None = None) -> Response:
        return Response(json.dumps({"error": wrong.error}), wrong.status, dict(headers or {}), mimetype="application/json")


def _form(request: Request, known: Mapping[str, re.Pattern[str]], more: re.Pattern[str] | None = None) -> dict[str, str]:
    pairs = list(request.form.items(multi=True))
    form = dict(pairs)
    unknown = [name for name in form if name not in known and not (more and more.fullmatch(name))]
    wrong = [name for name, value in form.items() if not known.get(name, TEXT).fullmatch(value)]
    if unknown or wrong or len(form) != len(pairs):
        raise Wrong(400, "parameter_unknown", f"Received unknown or invalid parameters: {unknown or wrong}")
    return form
