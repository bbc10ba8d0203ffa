"""Versions with their proofs, made by the steps of a small table, and the same with names that want to be acted on."""

import functools
import json
from pathlib import Path
from typing import Any, NamedTuple

import gates
import proofs
import tables

from evergreen.config.card import CardText
from evergreen.project import Project
from evergreen.record.ledger.chain import Entry
from evergreen.record.outcomes import Judgement, VersionFacts
from evergreen.record.plan.commits import Commit
from evergreen.record.registry.card.assemble import card
from evergreen.record.registry.card.parts import measured_parts
from evergreen.record.registry.card.values import Card
from evergreen.record.registry.case import verdict_of
from evergreen.record.registry.numbers import numbers_of
from evergreen.record.registry.proof import METRICS, PROOF, Proof, read
from evergreen.record.tracker import Run

SAID = CardText(
    owner="the ward, ward@example.org",
    licence="Apache-2.0",
    intended_use=("to order what is looked at first",),
    out_of_scope=("decisions without a person",),
    users=("people of the ward",),
    limitations=("nothing is known of children",),
    ethics=("a wrong answer may delay a treatment",),
)
# What a text may hold that a renderer, a browser or a terminal would act on.
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "[click](javascript:alert(1))",
    "![see](http://evil.example/x.png)",
    "<http://evil.example>",
    "http://evil.example/?a=1 and www.evil.example or me@evil.example",
    "a | b | c",
    "`code` ``more`` ```",
    "**bold** _it_ ~~gone~~",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "---",
    "===",
    "```",
    "    indented",
    "two\nlines\n\n# and a heading",
    "carriage\rreturn",
    "a\u2028b\u2029c",
    "ends with a backslash\\",
    "\\| \\` \\<",
    "right\u202eto left\u202c\u2066\u2069",
    "null\x00 bell\x07 escape\x1b[31m",
    "&lt;b&gt; &amp; &#60;",
    "[ref]: http://evil.example",
    "[^1]: note",
    "<!-- comment",
    "]]>",
    "$x$ and @user and #12",
    "{{ template }} ${7*7}",
    "",
    " ",
    "\u200b",
    "é 中文 🙂",
)


class Version(NamedTuple):
    """What a card is made of."""

    facts: VersionFacts
    proof: Proof
    metrics: dict[str, float]
    entries: tuple[Entry, ...] = ()

    @property
    def card(self) -> Card:
        return card(self.facts, self.proof, self.metrics, self.entries)


@functools.cache
def version(which: str, folder: Path) -> Version:
    """Return version 3 of a table of `tables`, judged as the first of its model, and its numbers as they are logged."""
    chain = tables.shared(which, folder)
    case = proofs.case_of(chain)
    table = chain.ws.read(case.compared.table)
    verdict = verdict_of(case, table)
    taken = case.candidate.taking(verdict.artifact)
    metrics = numbers_of(taken, case.params.gate.metric, proofs.STEPS) | measured_parts(
        table,
        case.compared,
        taken=verdict.artifact,
        metric=case.params.gate.metric,
        threshold=taken.report.threshold,
    )
    ref = proofs.proved(
        chain,
        case,
        verdict,
        run=Run(run_id="r" * 32, uri="uri", metrics=metrics),
        commit=Commit(sha="c0" * 20),
        card=SAID,
    )
    proof, files = read(chain.ws.path(ref.uri), ref.sha256)
    judged = Judgement(
        model=proof.name, version=3, model_digest=taken.model.sha256, data_digest="d" * 64, code_digest="c" * 64,
        params_digest="b" * 64, verdict="promoted", metrics=taken.report.candidate, baseline_metrics={},
        promoted_at=gates.NOW, reason=f"requested: {verdict.reason}", checks=verdict.checks,
    )  # fmt: skip
    facts = VersionFacts(
        version=3, judged=judged, candidate=case.candidate.key, artifact=taken.model, train=taken.train, data_end=None,
        threshold=taken.report.threshold, run_id=proof.run_id, bento="bento:3", proof=ref, package="e" * 64,
    )  # fmt: skip
    entries = (entry("promotion", {"predecessor": 2, "by": "gate", "reason": "better"}),)
    return Version(facts, proof, json.loads(files[METRICS]), entries)


def entry(kind: str, payload: dict[str, Any], *, version: int = 3) -> Entry:
    """Return what the ledger says of a version."""
    told = {"version": version, **payload}
    return Entry(seq=1, at=gates.NOW, model="m", kind=kind, key=str(version), payload=told, hash="0")


def hostile(honest: Version, text: str) -> Version:
    """Return the version with a text in every place that people or data can write to."""
    written = text.strip() or "x"
    contract, proof = honest.proof.contract, honest.proof
    columns = tuple(
        column.model_copy(update={"name": f"{text}{number}", "description": text, "unit": text})
        if column.role in ("protected", "ignore")
        else column.model_copy(update={"description": text, "unit": text})
        for number, column in enumerate(contract.columns)
    )
    checks = tuple(check.model_copy(update={"text": text, "name": text}) for check in proof.verdict.checks)
    said = CardText(
        owner=written, licence=written, **dict.fromkeys(SAID.missing or list(CardText.model_fields)[2:], (written,))
    )
    compared = proof.compared.model_copy(
        update={
            "slices": {column: f"{text} {column}" for column in proof.compared.slices},
            "classes": tuple(f"{text}{name}" for name in proof.compared.classes),
        }
    )
    changed = proof.model_copy(
        update={
            "contract": contract.model_copy(update={"columns": columns, "description": text}),
            "verdict": proof.verdict.model_copy(update={"checks": checks}),
            "compared": compared,
            "card": said,
            "author": text,
            "packages": {text: text},
            "python": text,
            "commit": Commit(sha=proof.commit.sha, changed=(text,)),
        }
    )
    told = {"by": text, "reason": text, "predecessor": 2}
    return Version(
        honest.facts, changed, honest.metrics, (entry("promotion", told), entry("approval", {**told, "door": "cli"}))
    )


def promoted(project: Project, honest: Version, *, proof: bool = True) -> Project:
    """Return a project in which the version is champion; its proof lies in the workspace, if it has one."""
    facts = honest.facts
    if proof:
        written = honest.proof.model_dump_json(by_alias=True).encode()
        files = {PROOF: written, METRICS: json.dumps(honest.metrics).encode()}
        facts = facts.model_copy(update={"proof": project.workspace.write_folder("proof", files, {})})
    payload = {**facts.model_dump(mode="json"), "by": "ada", "reason": "because"}
    project.ledger().promote(project.name, facts.version, payload, expected_epoch=0)
    return project
