"""`puntual check` of the templates: every text that a policy can send is rendered and read before a customer does."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape

from jinja2 import nodes

from ..errors import PolicyProblem
from ..policy.schema import NoticeKind, OldDebt, Policy
from .context import NoticeContext
from .render import KNOWN_WORDS, Renderer, did_you_mean
from .samples import sample_contexts
from .tone import Severity, check_tone

_LOOP_WORDS = frozenset({"index", "index0", "first", "last", "length", "previtem", "nextitem", "revindex", "cycle", "changed", "depth"})
_GIVEN_WORDS = frozenset({"w", "layout", "notice", "whole_text", "loop", "self", "super", "caller", "varargs", "kwargs"})
_UNSEEN = re.compile(r"<head>.*?</head>|<div class=\"preheader\".*?</div>", re.DOTALL | re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n\s*\n")
_TAG = re.compile(r"<[^>]*>")
_LINK = re.compile(r'href="([^"]*)"')


@dataclass(frozen=True, slots=True)
class TemplateFinding:
    """Something wrong with a template: where (file, and line where it is known), what, and what to do."""

    severity: Severity
    where: str
    what: str
    suggestion: str = ""

    def __str__(self) -> str:
        weight = "" if self.severity is Severity.REFUSE else " (a warning)"
        return f"{self.where}: {self.what}{weight}" + (f"; {self.suggestion}" if self.suggestion else "")


def check_templates(renderer: Renderer, policy: Policy, languages: Sequence[str] = ("es", "en")) -> list[TemplateFinding]:
    """Everything that is wrong with the texts that this policy can send in these languages; empty when all is well."""
    form = policy.company.form_of_address.value
    own = policy.company.locale.replace("-", "_").split("_")[0]
    spoken = dict.fromkeys((*((own,) if renderer.speaks(own, form) else ()), *languages))
    found = (finding for language in spoken for finding in _check_language(renderer, policy, language))
    return list(dict.fromkeys(found))


def notices_of(policy: Policy) -> tuple[NoticeKind, ...]:
    """The notices that some ladder of the policy, or its go-live, can send."""
    used = {level.notice for procedure in policy.procedures.values() for level in procedure.levels}
    if policy.go_live is not None and policy.go_live.old_debt is OldDebt.ONE_SUMMARY:
        used.add(NoticeKind.SUMMARY)
    return tuple(notice for notice in NoticeKind if notice in used)


def _check_language(renderer: Renderer, policy: Policy, language: str) -> Iterator[TemplateFinding]:
    read: set[str] = set()
    for notice in notices_of(policy):
        try:
            yield from _sources(renderer, policy, notice, language, read)
            yield from _rendered(renderer, policy, notice, language)
        except PolicyProblem as problem:
            where, _, what = problem.detail.partition(": ")
            yield TemplateFinding(Severity.REFUSE, where, what or problem.detail, problem.hint)


def _sources(renderer: Renderer, policy: Policy, notice: NoticeKind, language: str, read: set[str]) -> Iterator[TemplateFinding]:
    """What is wrong with the files themselves, each read once."""
    form = policy.company.form_of_address.value
    words = KNOWN_WORDS | renderer.words_of(language, form)
    for name in renderer.files_of(notice, language, form):
        if name in read:
            continue
        read.add(name)
        tree = renderer.parsed(name)
        yield from _unknown_words(tree, name, words)
        is_own = name.rpartition("/")[2].startswith(f"{notice.value}.")
        yield from _source_tone(tree, name, language, notice if is_own else NoticeKind.REMINDER)


def _unknown_words(tree: nodes.Template, name: str, known: frozenset[str]) -> Iterator[TemplateFinding]:
    """Words that do not exist, in branches too that no sample takes."""
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx in ("store", "param")} | {
        macro.name for macro in tree.find_all(nodes.Macro)
    }
    used = [(node.name, node.lineno) for node in tree.find_all(nodes.Name) if node.ctx == "load" and node.name not in own | _GIVEN_WORDS]
    used += [(node.attr, node.lineno) for node in tree.find_all(nodes.Getattr) if node.attr not in _LOOP_WORDS]
    for word, line in used:
        if word not in known:
            yield TemplateFinding(Severity.REFUSE, f"{name}:{line}", f"there is no word “{word}”", did_you_mean(word, known))


def _source_tone(tree: nodes.Template, name: str, language: str, notice: NoticeKind) -> Iterator[TemplateFinding]:
    if name.startswith("layout."):
        return
    texts = [(node.lineno, node.data) for node in tree.find_all(nodes.TemplateData)]
    texts += [(node.lineno, node.value) for node in tree.find_all(nodes.Const) if isinstance(node.value, str)]
    for first_line, text in texts:
        for finding in check_tone(text, language, notice):
            line = first_line + text[: max(text.find(finding.quote), 0)].count("\n")
            yield TemplateFinding(finding.severity, f"{name}:{line}", f"“{finding.quote}”: {finding.why}", finding.suggestion)


def _rendered(renderer: Renderer, policy: Policy, notice: NoticeKind, language: str) -> Iterator[TemplateFinding]:
    where, names, passages = f"{language}/{notice.value}", dict[str, None](), dict[str, None]()
    for case, context in sample_contexts(policy, notice, language):
        message = renderer.render(context, notice, language)
        seen = visible_text(message.html)
        for part, text, links in (("text", message.text, message.text), ("HTML", seen, "\n".join(_LINK.findall(unescape(message.html))))):
            offers = _missing_offers(context, text) if policy.early_payment_discount.percent else ()
            for missing in (*_missing(context, text, links), *offers):
                what = f"the {part} part does not say {missing} (sample: {case})"
                yield TemplateFinding(
                    Severity.REFUSE, where, what, "a notice names number, amount, due date, how to pay and whom to answer"
                )
        names |= dict.fromkeys(_names(context))
        passages |= dict.fromkeys(_BLANK_LINES.split(f"{message.subject}\n\n{message.text}\n\n{seen}"))
    for finding in check_tone("\n\n".join(passages), language, notice, known=tuple(names)):
        yield TemplateFinding(finding.severity, where, f"“{finding.quote}”: {finding.why}", finding.suggestion)


def visible_text(html: str) -> str:
    """What a reader of the HTML part sees, as text."""
    return unescape(_TAG.sub(" ", _UNSEEN.sub(" ", html)))


def _missing(context: NoticeContext, text: str, links: str) -> Iterator[str]:
    seen = _joined(text)
    for charge in context.charged:
        if _joined(charge.amount) not in seen or any(_joined(step.sum) not in seen for step in charge.steps):
            yield f"the late charge of {charge.amount} with its calculation"
    for line in context.items:
        if line.number not in seen:
            yield f"the invoice number ({line.number})"
        if _joined(line.outstanding) not in seen:
            yield f"the amount outstanding ({line.outstanding})"
        if not any(_joined(day) in seen for day in (line.due_on, line.due_day, line.due_long)):
            yield f"the due date ({line.due_on})"
    yield from _missing_ways(context, seen, links)
    if context.signature.name not in seen or context.signature.email not in seen:
        yield f"whom to answer ({context.signature.name}, {context.signature.email})"


def _missing_offers(context: NoticeContext, text: str) -> Iterator[str]:
    seen = _joined(text)
    for offer in (line.discount for line in context.discounted if line.discount):
        is_dated = any(_joined(day) in seen for day in (offer.last_on, offer.last_day))
        if not is_dated or any(_joined(amount) not in seen for amount in (offer.amount, offer.rest)):
            yield f"the early-payment discount of {offer.amount} with its last day and what is left to pay ({offer.last_on}, {offer.rest})"


def _missing_ways(context: NoticeContext, seen: str, links: str) -> Iterator[str]:
    ways = [account.iban or account.account or _joined(account.instructions) for account in context.accounts]
    for code in (code for account in context.accounts for code in account.codes):
        if _joined(code.amount) not in seen or _joined(code.reference) not in seen:
            yield f"what a payment code pays ({code.amount}, {code.reference})"
    lost = [way for way in ways if way not in seen] + [line.page_url for line in context.online if line.page_url not in links]
    if not ways and not context.online:
        yield "how to pay: there are neither payment details nor a pay page"
    yield from (f"how to pay ({way})" for way in lost)


def _joined(text: str) -> str:
    return " ".join(text.split())


def _names(context: NoticeContext) -> tuple[str, ...]:
    signer = context.signature
    accounts = (word for account in context.accounts for word in (account.holder, account.iban, account.bic, account.bank, account.account))
    numbers = (word for line in context.items for word in (line.number, line.reference))
    return (context.company, context.customer, context.greeting_name, signer.name, signer.role, signer.email, *accounts, *numbers)
