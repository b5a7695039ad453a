"""What may be recorded, said a second time and naively, for `memory_store.py`.

The few kinds that the lockstep test uses: their streams, their form, what they change for later
decisions, and the rules. Written from the specification, with nothing of the program in it.
"""

import operator
import re

#: kind: (family, stream with fields of the body in braces)
KINDS = {
    "ledger.created": ("decided", "ledger"),
    "gap.found": ("instrument", "ledger"),
    "note.added": ("decided", "ledger"),
    "claim.stated": ("decided", "claim/{claim}"),
    "criterion.declared": ("decided", "row/{criterion}"),
    "verdict.given": ("decided", "row/{criterion}"),
    "run.started": ("instrument", "run/{run}"),
    "run.finished": ("instrument", "run/{run}"),
    "run.failed": ("instrument", "run/{run}"),
    "step.taken": ("instrument", "run/{run}"),
    "measurement.taken": ("instrument", "run/{run}"),
    "note.reported": ("reported", "import/*"),
}
#: Kinds of which a second version added fields, which these events leave null.
SECOND = {
    "claim.stated": ("over", "commit", "expires_at"),
    "criterion.declared": (
        *("family", "contract", "test", "prediction", "if_fails", "noise", "samples", "provenance"),
        *("rests_on", "control_metric", "control_low", "control_high", "requires", "aliases"),
        *("stop_rule", "supersedes", "seen"),
    ),
    "verdict.given": ("noise", "samples", "interval", "control", "seen"),
}
OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
HASH = r"sha256:[0-9a-f]{64}"
ACTOR = r"(human|agent|executor):[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}"
BRANCH = r"[A-Za-z0-9][A-Za-z0-9._+-]*(/[A-Za-z0-9][A-Za-z0-9._+-]*)*"
ID = r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}"


def stream_of(kind, body):
    """The stream that a kind puts an event in; None where whoever records it says so."""
    pattern = KINDS[kind][1]
    if pattern == "run/{run}" and body["run"] is None:
        return "ledger"
    return None if pattern.endswith("*") else pattern.format(**body)


def standings_of(kind, body):
    """(key, value) of everything that later decisions must know of an event."""
    if kind == "ledger.created":
        return [("ledger", body["format"])]
    if kind == "claim.stated":
        return [(f"claim/{body['claim']}", "stated")]
    if kind == "criterion.declared":
        return [(f"criterion/{body['criterion']}", "declared")]
    if kind == "verdict.given":
        return [(f"verdict/{body['criterion']}", body["status"])]
    if kind in ("run.finished", "run.failed"):
        return [(f"run/{body['run']}", kind.split(".")[1])]
    if kind == "run.started":
        run = body["run"]
        found = [(f"run/{run}", "started"), (f"provenance/{run}", body["provenance"])]
        allocated = re.fullmatch(r"(.+)-([0-9]+)", run)
        return found + ([(f"allocated/{allocated[1]}", allocated[2])] if allocated else [])
    return []


def form(drafts, actor):
    """Everything wrong with the form of an append."""
    reasons = []
    if not re.fullmatch(ACTOR, actor):
        reasons.append(f"actor: {actor!r} is not human:NAME, agent:NAME or executor:NAME")
    for number, draft in enumerate(drafts, 1):
        where = f"event {number}: " if len(drafts) > 1 else ""
        reasons += [where + reason for reason in _draft_form(draft, actor)]
    return reasons


def _draft_form(draft, actor):
    yield from _value_form(draft.body, "")
    if draft.kind == "step.taken" and not isinstance(draft.body["step"], int):
        yield "step: expected `int`, got `str`"
    for value in draft.body["metrics"].values() if draft.kind == "step.taken" else ():
        if value is None:
            yield "metrics: expected `int | float | str`, got null at `[...]`"
        elif isinstance(value, str) and value not in NOT_FINITE.values():
            yield f"metrics: Invalid enum value {value!r} at `[...]`"
    if draft.kind == "note.added" and not draft.body["text"].strip():
        yield "text: a note needs words"
    own = stream_of(draft.kind, draft.body)
    if own is not None and draft.stream not in (None, own):
        yield f"stream: {draft.kind} belongs to {own}, not {draft.stream}"
    if own is None and draft.stream is not None and not draft.stream.startswith("import/"):
        yield f"stream: {draft.kind} belongs to an import/NAME stream, not {draft.stream}"
    if draft.branch is not None and not re.fullmatch(BRANCH, draft.branch):
        yield f"branch: {draft.branch!r} cannot name a branch"
    for cited in draft.cites:
        if not re.fullmatch(HASH, cited):
            yield f"cites: {cited!r} is not an entry hash"
    is_measured = draft.body.get("provenance") in ("measured", "derived")
    if is_measured and not actor.startswith("executor:"):
        yield f"provenance: {actor} is no executor; record a number of yours as asserted"


def _value_form(value, path):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _value_form(item, f"{path}.{key}" if path else key)
    elif isinstance(value, int) and abs(value) > 2**53:
        yield f"{path}: {value} is beyond 2^53; write it as a string"
    elif isinstance(value, float) and str(value) in NOT_FINITE:
        spelling = f'spell it as the string "{NOT_FINITE[str(value)]}"'
        yield f"{path}: not finite; where the field allows it, {spelling}"


def reasons_against(draft, standings, entries):
    """Why a decided event is refused: `standings` by key, `entries` by hash, with `position`."""
    body = draft.body
    named = [body["declaration"], body["evidence"]] if draft.kind == "verdict.given" else []
    for cited in dict.fromkeys((*draft.cites, *named)):
        if cited not in entries:
            yield f"citations: it cites {cited}, which is not in this ledger"
    if draft.kind == "criterion.declared":
        known = standings.get(f"criterion/{body['criterion']}")
        if known:
            said = (
                f"its threshold stays in force. Name it in `supersedes` ({known[1]}), "
                "or declare a criterion of another name"
            )
            yield f"uniqueness: {body['criterion']} was declared at position {known[2]}; {said}"
    if draft.kind == "claim.stated":
        known = standings.get(f"claim/{body['claim']}")
        if known:
            said = "choose another name"
            yield f"uniqueness: {body['claim']} was stated at position {known[2]}; {said}"
    if draft.kind == "verdict.given":
        yield from _against_verdict(draft, standings, entries)


def unsupported(entries, hashes, standings):
    """Positions that an audit objects to: what rests on nothing, verdicts that fell."""
    known, found = {}, set()
    for entry, hash_ in zip(entries, hashes, strict=True):
        body = entry["body"]
        is_verdict = entry["kind"] == "verdict.given"
        named = [body["declaration"], body["evidence"]] if is_verdict else []
        if not known.keys() >= {*entry["cites"], *named}:
            found.add(entry["position"])
        known[hash_] = entry
    for entry in entries:
        if entry["kind"] == "verdict.given":
            evidence = known.get(entry["body"]["evidence"])
            if evidence is None or any(_weaknesses(evidence, standings, known)):
                found.add(entry["position"])
    return found


def decide(criterion, evidence):
    """What a criterion and a number give."""
    met = _meets(evidence["value"], criterion["operator"], criterion["threshold"])
    copied = {name: criterion[name] for name in ("criterion", "metric", "operator", "threshold")}
    status = "DISCHARGED" if met else "FALSIFIED"
    return copied | {"status": status, "value": evidence["value"], "unit": criterion["unit"]}


def _meets(value, name, threshold):
    return not isinstance(value, (str, bool)) and OPERATORS[name](value, threshold)


def _against_verdict(draft, standings, entries):
    verdict = draft.body
    declared = _entry(entries, verdict["declaration"], "criterion.declared")
    evidence = _entry(entries, verdict["evidence"], "measurement.taken")
    if declared and evidence:
        for reason in _mismatches(declared["body"], evidence["body"]):
            yield f"comparability: {reason}"
    if declared:
        known = entries.get(verdict["evidence"])
        absent = [f"{verdict['evidence'][:19]}… is not in this ledger"]
        for reason in _weaknesses(known, standings, entries) if known else absent:
            yield f"provenance: {reason}"
    for reason in _differences(draft, standings, entries, evidence):
        yield f"verdict: {reason}"
    latest = standings.get(f"verdict/{verdict['criterion']}")
    same = latest and (latest[0], entries[latest[1]]["body"]["declaration"])
    if same == (verdict["status"], verdict["declaration"]):
        said = "saying so again changes nothing"
        yield f"no_change: it is {latest[0]} since position {latest[2]}; {said}"


def _entry(entries, hash_, kind):
    found = entries.get(hash_)
    return found if found and found["kind"] == kind else None


def _mismatches(criterion, number):
    if number["metric"] != criterion["metric"]:
        metrics = number["metric"], criterion["metric"]
        yield "the evidence measures {}, the criterion asks for {}".format(*metrics)
    if number["unit"] != criterion["unit"]:
        units = number["unit"], criterion["unit"]
        yield "the evidence is in {}, the criterion in {}".format(*units)
    unmet = {k: v for k, v in criterion["binding"].items() if number["key"].get(k) != v}
    if unmet:
        yield f"the evidence is not about what the criterion is bound to: {unmet}"


def _differences(draft, standings, entries, evidence):
    verdict = draft.body
    known = standings.get(f"criterion/{verdict['criterion']}")
    if known is None:
        yield f"there is no criterion {verdict['criterion']}: declare it first"
        return
    if known[1] != verdict["declaration"]:
        yield f"the declaration in force is at position {known[2]}, the verdict names another"
    if evidence is None:
        yield "its evidence is not a measurement of this ledger"
        return
    for name, wanted in decide(entries[known[1]]["body"], evidence["body"]).items():
        if verdict[name] != wanted:
            yield f"{name} is {verdict[name]!r}; the numbers give {wanted!r}"
    if not {verdict["declaration"], verdict["evidence"]} <= set(draft.cites):
        yield "a verdict cites its declaration and its evidence"


def _weaknesses(entry, standings, entries):
    """Why a number cannot carry a verdict."""
    position, provenance = entry["position"], entry["body"].get("provenance")
    family = KINDS[entry["kind"]][0] if entry["kind"] in KINDS else None
    if family != "instrument" or provenance is None:
        yield f"position {position} ({entry['kind']}) is not a measurement"
        return
    if provenance not in ("measured", "derived"):
        yield f"position {position} ({entry['kind']}) is {provenance}, not measured"
        return
    run = entry["body"]["run"]
    started, latest = standings.get(f"provenance/{run}"), standings.get(f"run/{run}")
    if started is None or latest is None:
        yield f"position {position} names run {run}, which this ledger has no start of"
    else:
        owner = entries[started[1]]["actor"]
        if entry["actor"] != owner:
            yield f"position {position} was recorded by {entry['actor']}; run {run} is {owner}'s"
        if started[0] not in ("measured", "derived"):
            yield f"run {run} was started as {started[0]} at position {started[2]}"
        if position < started[2] or (latest[0] == "finished" and position > latest[2]):
            yield f"position {position} lies outside run {run}"
        if latest[0] == "failed":
            yield f"run {run} failed at position {latest[2]}"
    if provenance == "derived":
        if not entry["cites"]:
            what = "is derived, but cites nothing it came from"
            yield f"position {position} ({entry['kind']}) {what}"
        for cited in entry["cites"]:
            if cited in entries:
                yield from _weaknesses(entries[cited], standings, entries)
            else:
                yield f"{cited[:19]}… is not in this ledger"
