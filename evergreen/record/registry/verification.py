"""What a bundle says of itself, found again from what is in it: no server, no ledger and no project is asked."""

import hashlib
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError
from threadpoolctl import threadpool_limits

from evergreen.base import signature
from evergreen.base.artifacts import archive
from evergreen.base.artifacts.folders import MANIFEST
from evergreen.base.errors import ConfigError, EvergreenError, printable
from evergreen.base.files import write_bytes
from evergreen.base.values import Value, digest_of
from evergreen.decisions.gate import scores
from evergreen.decisions.gate.decision import candidate_key
from evergreen.learning.evaluation import measure
from evergreen.learning.model import model as models
from evergreen.learning.model.model import Model
from evergreen.learning.model.release import Release
from evergreen.record.candidate import Candidate
from evergreen.record.ledger.chain import Line
from evergreen.record.outcomes import REGISTERED, VersionFacts
from evergreen.record.registry import proof as proofs
from evergreen.record.registry.bundle import (
    DOCUMENTS,
    ENTRIES,
    FACTS,
    LINES,
    MODEL,
    PROOF_FOLDER,
    RELEASE,
    SIGNATURE,
    BundleManifest,
    of_version,
)
from evergreen.record.registry.card.parts import measured_parts
from evergreen.record.registry.case import question_of, verdict_of
from evergreen.record.registry.numbers import OF_STEPS, numbers_of
from evergreen.record.registry.proof import ANSWERS, GOLDEN, METRICS, PROOF, ROWS, Proof

if TYPE_CHECKING:
    import pandas as pd

ANYTHING: TypeAdapter[Any] = TypeAdapter(Any)
SAME = 1e-12  # of numbers that the same code makes of the same rows
SAME_ANSWER = 1e-9  # of a model, which sums in another order on another processor
MAX_TABLE_BYTES = 2**31  # of a table when it is read
OF_ONNX = "onnx_"
MOST_NAMED = 20
# What the ledger's judgement repeats of the verdict, by their names there and here.
REPEATED = {"checks": "checks", "gate": "verdict", "rule": "rule", "candidates": "candidates", "sees": "sees",
            "level": "level", "uses": "uses"}  # fmt: skip


class Finding(Value):
    """Something that is not as it should be: `where`, a member of the bundle or a value in it, and `what` it is."""

    where: str
    what: str


class Verified(Value):
    """What was found out about a bundle.

    `digest`: of all bytes of the file, by which two people know that they speak of the same one. `signed_by`: the key
    that its manifest was signed with; None where no key was given. `model`, `version`: None where it cannot be read.
    """

    ok: bool
    findings: tuple[Finding, ...]
    digest: str
    signed: bool
    signed_by: str | None = None
    model: str | None = None
    version: int | None = None


@dataclass(frozen=True)
class Bundle:
    """The parts of a bundle, each of the digest that its manifest says."""

    members: Mapping[str, bytes]
    folder: Path
    facts: VersionFacts
    release: Release
    lines: tuple[Line, ...]
    proof: Proof

    @property
    def taken(self) -> Candidate:
        """The candidate with the model that was promoted, as it was judged."""
        return self.proof.candidate.taking(self.proof.taken)

    def table(self, name: str) -> "pd.DataFrame":
        """Return a table of the proof."""
        content = io.BytesIO(self.members[PROOF_FOLDER + name])
        groups = pq.read_metadata(content)
        size = sum(groups.row_group(number).total_byte_size for number in range(groups.num_row_groups))
        if size > MAX_TABLE_BYTES:
            raise ValueError(f"{size} bytes are too many")
        frame: pd.DataFrame = pq.read_table(content).to_pandas()
        return frame


def verify_file(
    path: Path, *, key: Path | None = None, digest: str | None = None, scratch: Path | None = None
) -> Verified:
    """Return what was found out about a bundle in a file.

    Parameters
    ----------
    key : a public key in PEM, or a folder of them, one of which must have signed it.
    digest : what somebody said that the file's SHA-256 is.
    scratch : the folder in which it is unpacked for the look; without it the system's own for such.

    Raises
    ------
    ConfigError if there is no such file, or the key cannot be used.
    """
    try:
        with path.open("rb") as file:
            content = file.read(archive.MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            "CFG001", f"cannot be read: {error.strerror}", where=str(path), next_step="Name the right file."
        ) from error
    return verify(content, key=key, digest=digest, scratch=scratch)


def verify(
    content: bytes, *, key: Path | None = None, digest: str | None = None, scratch: Path | None = None
) -> Verified:
    """Return what was found out about a bundle; the rest as `verify_file`. Nothing is parsed that is not whole."""
    found = hashlib.sha256(content).hexdigest()
    if len(content) > archive.MAX_BYTES:
        return _refused(found, [Finding(where="file", what=f"more than {archive.MAX_BYTES} bytes")])
    members, damages = archive.read(content)
    findings = [Finding(where=printable(where), what=what) for where, what in damages]
    if digest and digest.lower() != found:
        findings.append(Finding(where="file", what=f"its digest is {found}, not {printable(digest)}"))
    signed = SIGNATURE in members
    signed_by = None
    if key is not None and not damages:
        try:
            signed_by = signature.verify(members.get(MANIFEST, b""), members.get(SIGNATURE, b""), key)
        except ConfigError:
            raise
        except EvergreenError as error:
            findings.append(Finding(where=SIGNATURE, what=error.what))
    findings = findings or list(_unlisted(members))
    if findings:
        return _refused(found, findings, signed=signed, signed_by=signed_by)
    with TemporaryDirectory(prefix="evergreen-verify-", dir=scratch) as folder:
        try:
            bundle = _opened(members, Path(folder))
        except _Unreadable as error:
            return _refused(found, [error.finding], signed=signed, signed_by=signed_by)
        findings = [finding for check in CHECKS for finding in _guarded(check, bundle)]
    return Verified(
        ok=not findings,
        findings=tuple(findings),
        digest=found,
        signed=signed,
        signed_by=signed_by,
        model=bundle.release.model,
        version=bundle.release.version,
    )


def _refused(digest: str, findings: list[Finding], *, signed: bool = False, signed_by: str | None = None) -> Verified:
    return Verified(ok=False, findings=tuple(findings), digest=digest, signed=signed, signed_by=signed_by)


def _unlisted(members: Mapping[str, bytes]) -> Iterator[Finding]:
    """Yield what differs between the members and the manifest, which is written in one way only."""
    try:
        manifest = BundleManifest.model_validate_json(members.get(MANIFEST, b""))
    except ValidationError:
        yield Finding(where=MANIFEST, what="it is no manifest of a bundle" if MANIFEST in members else "it is missing")
        return
    if manifest.to_bytes() != members[MANIFEST]:
        yield Finding(where=MANIFEST, what="it is not written as a manifest is")
    listed = {file.path: file for file in manifest.files}
    if len(listed) < len(manifest.files):
        yield Finding(where=MANIFEST, what="it lists a member twice")
    for name in sorted(listed.keys() - members.keys()):
        yield Finding(where=printable(name), what="it is missing")
    for name in sorted(members.keys() - listed.keys() - {MANIFEST, SIGNATURE}):
        yield Finding(where=printable(name), what="the manifest does not list it")
    for name in sorted(members.keys() & listed.keys()):
        content, file = members[name], listed[name]
        if len(content) != file.size or hashlib.sha256(content).hexdigest() != file.sha256:
            yield Finding(where=printable(name), what="its bytes are not those that the manifest lists")
    known = {FACTS, RELEASE, ENTRIES}
    for name in sorted(members.keys() & listed.keys() - known):
        if not name.startswith((MODEL, PROOF_FOLDER, DOCUMENTS)):
            yield Finding(where=printable(name), what="no such member belongs to a bundle")
    for name in sorted(known - listed.keys()):
        yield Finding(where=name, what="it is missing")


class _Unreadable(Exception):  # noqa: N818  never leaves this module
    def __init__(self, where: str, what: str) -> None:
        super().__init__(what)
        self.finding = Finding(where=where, what=printable(what))


def _opened(members: Mapping[str, bytes], folder: Path) -> Bundle:
    """Return the parts of a bundle; its folders are written below `folder`, whole and with nothing beside them."""
    for name, content in members.items():
        if name.startswith((MODEL, PROOF_FOLDER)):
            write_bytes(folder / name, content)
    facts = _part(FACTS, lambda: VersionFacts.model_validate_json(members[FACTS]))
    if facts.proof is None:
        raise _Unreadable(FACTS, "it names no proof")
    proof_digest = facts.proof.sha256
    proof, files = _part(PROOF_FOLDER + PROOF, lambda: proofs.read(folder / PROOF_FOLDER, proof_digest))
    beside = {name for name in members if name.startswith(PROOF_FOLDER)}
    if extra := sorted(beside - {PROOF_FOLDER + name for name in (*files, MANIFEST)}):
        raise _Unreadable(extra[0], "the manifest of its folder does not list it")
    if missing := sorted({PROOF, ROWS, GOLDEN, ANSWERS, METRICS} - files.keys()):
        raise _Unreadable(PROOF_FOLDER + missing[0], "it is missing")
    release = _part(RELEASE, lambda: Release.model_validate_json(members[RELEASE]))
    lines = _part(ENTRIES, lambda: LINES.validate_json(members[ENTRIES]))
    return Bundle(members=members, folder=folder, facts=facts, release=release, lines=lines, proof=proof)


def _part(where: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except ValidationError as error:
        fault = error.errors()[0]
        at = ".".join(map(str, fault["loc"]))
        raise _Unreadable(where, f"it cannot be read: {at}: {fault['msg']}") from error
    except EvergreenError as error:
        raise _Unreadable(where, error.what) from error
    except Exception as error:  # whatever somebody put into the file
        raise _Unreadable(where, f"it cannot be read: {type(error).__name__}: {error}") from error


def _guarded(check: Callable[[Bundle], Iterator[Finding]], bundle: Bundle) -> list[Finding]:
    """Return what a check finds; one that cannot be made is a finding too, whatever somebody put into the file."""
    where = WHERE[check]
    try:
        return [finding.model_copy(update={"what": printable(finding.what)}) for finding in check(bundle)]
    except EvergreenError as error:
        return [Finding(where=where, what=printable(f"{error.code}: {error.what}"))]
    except Exception as error:
        return [Finding(where=where, what=printable(f"it cannot be checked: {type(error).__name__}: {error}"))]


def _facts(bundle: Bundle) -> Iterator[Finding]:
    """What the ledger keeps of the version is what the proof says of its candidate."""
    facts, proof, taken, judged = bundle.facts, bundle.proof, bundle.taken, bundle.facts.judged
    said = {
        "version": (facts.version, bundle.release.version),
        "judged.version": (judged.version, facts.version),
        "judged.model": (judged.model, proof.name),
        "judged.model_digest": (judged.model_digest, facts.artifact.sha256),
        "judged.refit_of": (judged.refit_of, facts.as_judged and facts.as_judged.sha256),
        "judged.data_digest": (judged.data_digest, proof.candidate.raw.sha256),
        "judged.code_digest": (judged.code_digest, proof.digests.get("code_digest")),
        "judged.params_digest": (judged.params_digest, digest_of(proof.params)),
        "judged.metrics": (judged.metrics, taken.report.candidate),
        "judged.baseline_metrics": (judged.baseline_metrics, taken.report.baseline),
        **{f"judged.{ours}": (getattr(judged, ours), getattr(proof.verdict, its)) for ours, its in REPEATED.items()},
        "measured": (facts.measured.sha256, taken.model.sha256),
        "candidate": (facts.candidate, proof.candidate.key),
        "threshold": (facts.threshold, taken.report.threshold),
        "train": (facts.train.sha256, taken.train.sha256),
        "data_end": (facts.data_end, taken.data_end),
        "rows_end": (facts.rows_end, taken.split.end),
        "split": (facts.split, taken.split.rule),
        "run_id": (facts.run_id, proof.run_id),
        "author": (facts.author, proof.author),
    }
    for name, (ours, its) in said.items():
        for at, one, other in _differences(_plain(ours), _plain(its), name):
            yield Finding(where=FACTS, what=f"{at} is {one}, and elsewhere in the bundle {other}")


def _release(bundle: Bundle) -> Iterator[Finding]:
    """What is served is the version's model, at its threshold."""
    facts, release = bundle.facts, bundle.release
    said = {
        "model": (release.model, bundle.proof.name),
        "version": (release.version, facts.version),
        "model_digest": (release.model_digest, facts.artifact.sha256),
        "threshold": (release.threshold, facts.threshold),
    }
    for name, (ours, its) in said.items():
        if ours != its:
            yield Finding(where=RELEASE, what=f"{name} is {ours}, and elsewhere in the bundle {its}")


def _entries(bundle: Bundle) -> Iterator[Finding]:
    """The ledger's entries have their hashes, are of this version, and hold its facts."""
    for line in bundle.lines:
        if not line.is_whole:
            yield Finding(where=ENTRIES, what=f"the hash of entry {line.seq} ({line.kind}) is not its own")
    of_others = set(bundle.lines) - set(of_version(bundle.lines, bundle.facts.version))
    if of_others or any(line.model != bundle.proof.name for line in bundle.lines):
        yield Finding(where=ENTRIES, what="an entry is not of this version")
    for before, after in zip(bundle.lines, bundle.lines[1:], strict=False):
        if after.seq <= before.seq or (after.seq == before.seq + 1 and after.previous != before.hash):
            yield Finding(where=ENTRIES, what=f"entry {after.seq} does not follow entry {before.seq}")
    kept = bundle.facts.model_dump(mode="json")
    held = [json.loads(line.payload) for line in bundle.lines if line.kind in REGISTERED]
    if not any({name: entry.get(name) for name in kept} == kept for entry in held):
        yield Finding(where=FACTS, what="no entry of the ledger holds these facts")


def _verdict(bundle: Bundle) -> Iterator[Finding]:
    """The gate, asked again about the same rows, says the same."""
    proof = bundle.proof
    if hashlib.sha256(bundle.members[PROOF_FOLDER + ROWS]).hexdigest() != proof.compared.table.sha256:
        yield Finding(where=PROOF_FOLDER + ROWS, what="it is not the table that the gate was asked about")
    if not proof.verdict.promote or proof.verdict.artifact != proof.taken:
        yield Finding(where=PROOF_FOLDER + PROOF, what=f"the verdict does not promote the candidate's {proof.taken}")
    if proof.rule != "first":  # the key of a lineage that a person began says of that too
        key = candidate_key(proof.candidate.model.sha256, proof.candidate.report, proof.params.gate)
        if key != proof.candidate.key:
            yield Finding(where=PROOF_FOLDER + PROOF, what="candidate.key is not that of its model, report and gate")
    again = verdict_of(proof, bundle.table(ROWS))
    for at, kept, found in _differences(_plain(proof.verdict), _plain(again), "verdict"):
        yield Finding(where=PROOF_FOLDER + PROOF, what=f"{at} is {kept}, and {found} when the gate is asked again")


def _metrics(bundle: Bundle) -> Iterator[Finding]:
    """The metrics of what was judged follow from labels and estimates, and what was logged is what the report says."""
    proof, table = bundle.proof, bundle.table(ROWS)
    report, labels = proof.candidate.report, question_of(proof, table).rows.labels
    of_prior = report.baseline_threshold if report.baseline_family == "prior" else report.threshold
    kept = {
        "candidate": (report.candidate, report.threshold),
        "baseline": (report.baseline, report.baseline_threshold),
        "prior": (report.baselines.get("prior", {}), of_prior),
    }
    for name, (metrics, threshold) in kept.items():
        said = scores.estimates(table, name, proof.compared)
        if said is None:
            continue
        again = measure(labels, said, threshold=threshold, costs=proof.params.evaluate.costs)
        for at, one, other in _differences(dict(metrics), again, f"candidate.report.{name}"):
            yield Finding(where=PROOF_FOLDER + PROOF, what=f"{at} is {one}, and {other} from the rows")
    logged = json.loads(bundle.members[PROOF_FOLDER + METRICS])
    logged = {name: value for name, value in logged.items() if not name.startswith((OF_STEPS, OF_ONNX))}
    metric = proof.params.gate.metric
    numbers = numbers_of(bundle.taken, metric, ()) | measured_parts(
        table, proof.compared, taken=proof.taken, metric=metric, threshold=bundle.taken.report.threshold
    )
    for at, one, other in _differences(logged, numbers, ""):
        yield Finding(where=PROOF_FOLDER + METRICS, what=f"{at} is {one}, and {other} in the report")


def _answers(bundle: Bundle) -> Iterator[Finding]:
    """The model is the one that the ledger names, and answers the golden rows as it did."""
    facts = bundle.facts
    model = models.load(bundle.folder / MODEL, facts.artifact.sha256)
    listed = {MODEL + file["path"] for file in model.manifest["files"]} | {MODEL + MANIFEST}
    for name in sorted({name for name in bundle.members if name.startswith(MODEL)} - listed):
        yield Finding(where=name, what="the manifest of its folder does not list it")
    if model.manifest.get("refit_of") != (facts.as_judged and facts.as_judged.sha256):
        yield Finding(where=MODEL + MANIFEST, what="it was not fitted again from the model that was judged")
    if model.contract != bundle.proof.contract:
        yield Finding(where=MODEL + "contract.json", what="it is not the contract of the proof")
    yield from _answered(model, bundle)


def _answered(model: Model, bundle: Bundle) -> Iterator[Finding]:
    import numpy as np

    golden, kept, threshold = bundle.table(GOLDEN), bundle.table(ANSWERS), bundle.facts.threshold
    where = PROOF_FOLDER + ANSWERS
    with threadpool_limits(1):  # as when they were first given
        again = model.predict(golden).answers(threshold)
    if list(kept) != list(again) or len(kept) != len(golden):
        yield Finding(where=where, what="it does not hold an answer to each golden row")
        return
    for name, values in again.items():
        ours = kept[name].to_numpy()
        if values.dtype.kind == "f":
            same = np.isclose(ours.astype(float), values, rtol=SAME_ANSWER, atol=SAME_ANSWER)
        else:
            same = np.asarray(ours.astype(str) == values.astype(str))
            if values.dtype.kind == "b":  # a probability at the threshold may fall on either side
                same |= np.isclose(again["probability"], threshold, rtol=0, atol=SAME_ANSWER)
        for row in np.flatnonzero(~same)[:MOST_NAMED]:
            yield Finding(where=where, what=f"{name} of row {row} is {ours[row]}, and the model answers {values[row]}")


def _plain(value: Any) -> Any:
    """Return a value as its JSON reads."""
    return json.loads(ANYTHING.dump_json(value))


def _differences(kept: Any, found: Any, at: str) -> Iterator[tuple[str, str, str]]:
    """Yield where two documents differ, and what either says there; numbers may differ by SAME.

    Examples
    --------
    >>> list(_differences({"a": [1.0, 2.0]}, {"a": [1.0, 2.5]}, "x"))
    [('x.a.1', '2.0', '2.5')]
    """
    if isinstance(kept, Mapping) and isinstance(found, Mapping):
        for name in sorted(kept.keys() | found.keys(), key=str):
            yield from _differences(kept.get(name), found.get(name), f"{at}.{name}" if at else str(name))
    elif isinstance(kept, list) and isinstance(found, list) and len(kept) == len(found):
        for number, (one, other) in enumerate(zip(kept, found, strict=True)):
            named = one.get("name") if isinstance(one, Mapping) else None
            yield from _differences(one, other, f"{at}.{named or number}")
    elif not _same(kept, found):
        yield at, _shown(kept), _shown(found)


def _same(kept: Any, found: Any) -> bool:
    numbers = (int, float)
    if isinstance(kept, numbers) and isinstance(found, numbers) and not isinstance(kept, bool):
        return math.isclose(kept, found, rel_tol=SAME, abs_tol=SAME)
    return bool(kept == found)


def _shown(value: Any) -> str:
    text = "missing" if value is None else str(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


WHERE: Mapping[Callable[[Bundle], Iterator[Finding]], str] = {
    _facts: FACTS,
    _release: RELEASE,
    _entries: ENTRIES,
    _verdict: PROOF_FOLDER + PROOF,
    _metrics: PROOF_FOLDER + METRICS,
    _answers: MODEL + MANIFEST,
}
CHECKS = tuple(WHERE)
