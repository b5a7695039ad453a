"""Claims and their fates, and a page for each claim."""

from collections.abc import Iterator
from typing import Any, Final

from ledger.site.base import PageKind, Sheet, Site, sheet
from ledger.site.links import path_of


def sheets(site: Site) -> Iterator[Sheet]:
    """The list with the chain of claims, then each claim."""
    claims = site.both("claims")
    chain = {(own["reported"], own["claim"]): own for own in site.both("claim_chain")}
    for claim in claims:
        claim["href"] = path_of("claims", claim["claim"], reported=claim["reported"])
        claim["chain"] = chain.get((claim["reported"], claim["claim"]))
    names: dict[str, Any] = {
        "sides": [
            {"reported": reported, "claims": own}
            for reported in (False, True)
            if (own := [claim for claim in claims if claim["reported"] == reported])
        ],
        "picture": site.picture("chain", None, "pictures/claims.svg"),
    }
    yield sheet("claims.html", "Claims and their fates", "claims", names)
    verdicts: dict[tuple[bool, str], list[dict[str, Any]]] = {}
    for verdict in site.both("verdicts"):
        verdicts.setdefault((verdict["reported"], verdict["name"]), []).append(verdict)
    for claim in claims:
        yield _claim(site, claim, claims, verdicts.get((claim["reported"], claim["claim"]), []))


def _claim(
    site: Site,
    claim: dict[str, Any],
    claims: list[dict[str, Any]],
    verdicts: list[dict[str, Any]],
) -> Sheet:
    whose = claim["reported"]
    chain = claim["chain"] or {"premises": [], "reason": None, "stated": claim["position"]}
    above = [
        {"name": name, "href": site.link("claims", name, reported=whose)}
        for name in dict.fromkeys(chain["premises"])
    ]
    below = [
        {"name": other["claim"], "href": other["href"]}
        for other in claims
        if other["reported"] == whose
        and other["chain"]
        and claim["claim"] in other["chain"]["premises"]
    ]
    names = {
        "claim": claim,
        "chain": chain,
        "premises": above,
        "resting": below,
        "verdicts": verdicts,
        "impact": [] if whose else site.ask("impact", of=chain["stated"])[1:],
    }
    return sheet(
        claim["href"],
        claim["claim"],
        "claim",
        names,
        found_as="reported claim" if whose else "claim",
        words=f"{claim['text']} {claim['fate']} {chain['reason'] or ''}",
    )


PAGE: Final = PageKind(name="claims", title="Claims", sheets=sheets)
