"""Phrases that harm, by language and kind: data for the tone check (docs/sources.md).

A phrase is written in small letters without accents; `…` stands for up to four words, `a|b` in brackets for either. Word ends are kept, so
`demanda` is not found in `demandado`. Spanish lists hold usted and tú.
"""

from collections.abc import Mapping
from enum import StrEnum


class Harm(StrEnum):
    """What is wrong with a phrase."""

    BLAME = "blame"
    DEFENCE = "defence"
    CONDESCENSION = "condescension"
    THREAT = "threat"
    INTENT = "intent"


WHY: Mapping[Harm, str] = {
    Harm.BLAME: "it blames the reader, who may simply have overlooked it",
    Harm.DEFENCE: "it defends us instead of helping the reader",
    Harm.CONDESCENSION: "it talks down to the reader",
    Harm.THREAT: "it threatens",
    Harm.INTENT: "it claims to know what the reader intends, which nobody does",
}

SUGGESTION: Mapping[str, Mapping[Harm, str]] = {
    "es": {
        Harm.BLAME: "diga solo el hecho: «aún no nos consta el pago»",
        Harm.DEFENCE: "proponga un paso: «revisemos juntos la factura»",
        Harm.CONDESCENSION: "explique la condición sin reproche: «el plazo acordado era de 30 días»",
        Harm.THREAT: "diga lo que hará una persona: «le llamaremos para buscar una solución»",
        Harm.INTENT: "pregunte: «¿podría decirnos cuándo prevé el pago?»",
    },
    "en": {
        Harm.BLAME: "state only the fact: “we have not yet seen the payment”",
        Harm.DEFENCE: "offer a step: “let us go through the invoice together”",
        Harm.CONDESCENSION: "state the term without reproach: “the agreed term was 30 days”",
        Harm.THREAT: "say what a person will do: “we will call you to find a solution”",
        Harm.INTENT: "ask: “could you tell us when we may expect the payment?”",
    },
}

PHRASES: Mapping[str, Mapping[Harm, tuple[str, ...]]] = {
    "es": {
        Harm.BLAME: (
            "no (ha|has|han|habeis) (cumplido|pagado|atendido|respondido|contestado|respetado)",
            "(ha|has|han) (incumplido|fallado|faltado|ignorado|desatendido|hecho caso omiso)",
            "(ha|has|han) (vuelto a|dejado de) (incumplir|pagar|fallar)",
            "(su|tu|vuestro) (incumplimiento|morosidad|falta de pago|impago|culpa|negligencia|irresponsabilidad|descuido|olvido)",
            "por (su|tu) culpa",
            "(es|sois|eres|son) (moroso|morosa|morosos|morosas|deudor|deudora|irresponsable|impuntual)",
            "(cliente|clientes) (moroso|morosos)",
            "nos (debe|debes|deben) … (desde hace|hace ya)",
            "(esta|estas) en (mora|deuda)",
            "una vez mas … (sin pagar|no ha|no has)",
            "pese a nuestros (reiterados|numerosos|multiples)",
            "a pesar de nuestros (reiterados|numerosos|multiples)",
            "nos (obliga|obligas|perjudica|perjudicas)",
            "(inaceptable|intolerable|vergonzoso|lamentable|indignante)",
        ),
        Harm.DEFENCE: (
            "no es (nuestra culpa|nuestro problema|culpa nuestra|problema nuestro|cosa nuestra|asunto nuestro)",
            "nosotros (hemos cumplido|si hemos cumplido|no tenemos la culpa)",
            "no somos (responsables|los responsables)",
            "asi (es como )?funciona nuestra facturacion",
            "asi son (las cosas|nuestras condiciones)",
            "no (es|sera) nuestra responsabilidad",
        ),
        Harm.CONDESCENSION: (
            "(deberia|deberias|debia|debias) (haberlo )?(sabido|saber|saberlo)",
            "(tendria|tendrias) que (saber|saberlo|haberlo sabido)",
            "como (ya )?(deberia|deberias|debe|debes) saber",
            "como (usted )?(bien|sin duda) (sabe|sabes)",
            "como (ya )?(le|te) hemos (dicho|explicado|repetido)",
            "le (recordamos|repetimos) una vez mas",
            "te (recordamos|repetimos) una vez mas",
            "(es|esta) (obvio|clarisimo|bien claro) que",
            "no es tan dificil",
            "solo (tiene|tienes) que leer",
            "(haga|haz) el favor de",
            "obviamente",
        ),
        Harm.THREAT: (
            "abogad(o|a|os|as)",
            "(demanda|demandas|demandar|demandarle|demandarte|demandaremos)",
            "(juzgado|juzgados|tribunal|tribunales|juez|judicial|judiciales|judicialmente|juicio|monitorio)",
            "(acciones|medidas|vias|via) legal(es)?",
            "(embargo|embargar|embargaremos)",
            "(agencia|empresa|gestora) de (cobro|cobros|recobro|recobros)",
            "(asnef|rai|registro de morosos|fichero de morosos|lista de morosos)",
            "(burofax|requerimiento notarial)",
            "(atengase|atente) a las consecuencias",
            "(suspenderemos|cortaremos|interrumpiremos) (el|su|tu|los) (servicio|suministro|servicios|pedidos)",
            "ultima oportunidad",
            "(denuncia|denunciar|denunciaremos)",
            "nos veremos (obligados|forzados)",
        ),
        Harm.INTENT: (
            "mala fe",
            "no (quiere|quieres|desea|deseas) pagar",
            "se (niega|niegan) a pagar",
            "te niegas a pagar",
            "(intenta|intentas|pretende|pretendes) (no pagar|evitar|eludir|retrasar|ganar tiempo)",
            "(evita|evitas|elude|eludes|esquiva|esquivas) (el pago|pagar|nuestras llamadas)",
            "(deliberadamente|intencionadamente|a proposito|adrede|a sabiendas)",
            "(falta|ausencia) de (voluntad|interes|seriedad|compromiso)",
            "(nos|me) (engana|enganas|miente|mientes|ignora|ignoras)",
            "(excusa|excusas|pretexto|pretextos)",
        ),
    },
    "en": {
        Harm.BLAME: (
            "you (have )?(failed|neglected|refused|forgotten|forgot|ignored|disregarded|defaulted|breached)",
            "you (still )?(have not|haven’t|haven't) (yet )?(paid|responded|replied|honoured|kept)",
            "you (still )?(did not|didn’t|didn't) (pay|respond|reply|honour|keep)",
            "your (failure|negligence|fault|default|irresponsibility|non-payment|nonpayment|carelessness|oversight)",
            "you are (delinquent|irresponsible|in default|in breach|late again)",
            "(delinquent|deadbeat)",
            "because of you",
            "despite (our )?(repeated|numerous|many|several)",
            "(unacceptable|intolerable|shameful|disgraceful|outrageous)",
            "you (force|are forcing|leave) us",
            "once again you",
        ),
        Harm.DEFENCE: (
            "(that|this|it) is not our (fault|problem|responsibility)",
            "(that's|that’s|it's|it’s) not our (fault|problem|responsibility)",
            "(this|that) is (just )?how our (billing|invoicing) works",
            "we are not (to blame|responsible)",
            "we did our part",
            "not our (fault|problem)",
        ),
        Harm.CONDESCENSION: (
            "you should (already )?(have known|know|be aware|have read)",
            "you ought to (have known|know)",
            "as you (well|surely|certainly|should|must) know",
            "as we (have )?(already|repeatedly) (told|explained|said)",
            "need we remind you",
            "how (many times|often) (must|do) we",
            "it is not (that|so) (hard|difficult)",
            "(obviously|clearly you)",
            "simply read",
        ),
        Harm.THREAT: (
            "(lawyer|lawyers|attorney|attorneys|solicitor|solicitors)",
            "(sue|sued|suing|lawsuit|lawsuits|litigation|prosecute)",
            "(court|courts|tribunal|bailiff|bailiffs|judgment)",
            "legal (action|actions|proceedings|steps|measures|consequences|department)",
            "(collection|collections|debt|recovery) (agency|agencies|collector|collectors)",
            "(credit bureau|credit rating|credit score|blacklist|blacklisted)",
            "(seize|seizure|garnish|repossess)",
            "(suspend|cut off|terminate|stop) your (service|services|account|supply|orders)",
            "last chance",
            "face the consequences",
            "we will have no (choice|option|alternative)",
            "(without further notice|or else)",
        ),
        Harm.INTENT: (
            "bad faith",
            "you (do not|don’t|don't) (want|intend|wish) to pay",
            "you (are )?(refusing|refuse|unwilling) to pay",
            "you are (avoiding|evading|dodging|stalling|ignoring|lying|hiding)",
            "(deliberately|intentionally|on purpose|knowingly|wilfully|willfully)",
            "(lack|absence) of (will|interest|commitment|seriousness)",
            "(excuse|excuses|pretext)",
        ),
    },
}

ACRONYMS = frozenset(
    {
        "IBAN", "BIC", "SWIFT", "SEPA", "NIF", "CIF", "NIE", "DNI", "RFC", "CUIT", "RUT", "RUC", "NIT", "IVA", "VAT",
        "GST", "TIN", "EIN", "USA", "PDF", "QR", "SLU", "SAU", "SRL", "LLC", "LTD", "INC", "PLC", "EORI", "ABA",
        "ACH", "CLABE", "CBU", "CVU", "CCI", "SPEI", "IRPF", "IGIC", "ISO", "UTC", "CET", "URL", "SMS", "SAT", "CFDI",
    }
)  # fmt: skip
"""Words that are rightly written in capitals."""
