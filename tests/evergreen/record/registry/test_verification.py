"""Verifying a bundle: each edited byte is named, and what was edited consistently is found by doing it again."""

import hashlib
import io
import json
import pickle
import random
import socket
import time
import zipfile

import bundles
import keys
import pandas as pd
import proofs
import pytest
import released
import tables
from direct import Direct

from evergreen.base.artifacts import archive
from evergreen.base.errors import ConfigError
from evergreen.project import Project
from evergreen.record.ledger.chain import hash_of
from evergreen.record.ledger.ledger import Ledger
from evergreen.record.registry import bundle, verification
from evergreen.record.registry.verification import verify, verify_file
from flows.training import train_and_judge

N_EDITS = 200


@pytest.fixture(scope="module")
def content(visits_trained):
    """The bundle of the first version of visits, which nothing changes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(visits_trained)
        project = Project.open()
        return bundle.export(project.ledger(), project.workspace, "visits", 1, files={"card.md": b"# visits\n"})


@pytest.fixture
def key(tmp_path):
    """A private key and its public half."""
    return keys.pair(tmp_path / "private.pem", tmp_path / "team.pem")


def findings(content, **asked):
    found = verify(content, **asked)
    assert not found.ok
    return [(finding.where, finding.what) for finding in found.findings]


def test_bundle_is_verified_without_any_server(content, monkeypatch, capsys):
    def no_network(*_):
        raise AssertionError("something was asked over the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    began = time.perf_counter()
    found = verify(content)
    with capsys.disabled():
        print(f"\n  verified {len(content):,} bytes in {time.perf_counter() - began:.2f} s")

    assert found.ok, found.findings
    assert (found.model, found.version, found.signed, found.signed_by) == ("visits", 1, False, None)
    assert found.digest == hashlib.sha256(content).hexdigest()


def test_control_that_is_made_again_consistently_and_changes_nothing_is_verified(content):
    found = verify(bundles.edited(content))
    assert found.ok, found.findings


def owners(content):
    """Return where the data of each member lies, as zipfile sees it."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        starts = {info: info.header_offset + 30 + len(info.filename.encode()) for info in opened.infolist()}
    return {info.filename: range(start, start + info.file_size) for info, start in starts.items()}


def test_each_of_many_edits_is_named(content):
    draw, places = random.Random(11), owners(content)
    kinds = {
        "changed": lambda at: content[:at] + bytes([content[at] ^ draw.randrange(1, 256)]) + content[at + 1 :],
        "put in": lambda at: content[:at] + bytes([draw.randrange(256)]) + content[at:],
        "taken out": lambda at: content[:at] + content[at + 1 :],
        "cut off": lambda at: content[:at],
    }
    names = [*places, None, None, None]  # None: anywhere, between members too
    for number in range(N_EDITS):
        name = names[number % len(names)]
        at = draw.choice(places[name]) if name else draw.randrange(len(content))
        kind = draw.choice(list(kinds))
        owner = next((member for member, place in places.items() if at in place), None)
        named = [where for where, _ in findings(kinds[kind](at))]
        if owner and kind != "cut off":
            assert owner in named, (kind, at, owner)
        assert set(named) <= {*places, archive.STRUCTURE}, (kind, at)


def test_member_that_was_edited_and_the_archive_made_again_is_named_by_the_manifest(content):
    members, _ = archive.read(content)
    for name in members.keys() - {"manifest.json"}:
        changed = archive.write({**members, name: members[name][:-1] + b"?"})
        assert findings(changed) == [(name, "its bytes are not those that the manifest lists")]
        without = {other: data for other, data in members.items() if other != name}
        assert (name, "it is missing") in findings(archive.write(without))
    assert findings(archive.write({**members, "more": b"1"})) == [("more", "the manifest does not list it")]


@pytest.mark.parametrize(
    "manifest",
    [b"", b"[" * 100_000, b"{}", b'{"kind": "package", "files": []}', b"\xff"],
    ids=["empty", "deep", "bare", "package", "binary"],
)
def test_what_is_no_manifest_is_refused(manifest, content):
    members, _ = archive.read(content)
    assert findings(archive.write({**members, "manifest.json": manifest})) == [
        ("manifest.json", "it is no manifest of a bundle")
    ]


def test_manifest_that_is_written_otherwise_is_refused(content):
    members, _ = archive.read(content)
    otherwise = json.dumps(json.loads(members["manifest.json"])).encode()
    changed = archive.write({**members, "manifest.json": otherwise})
    assert findings(changed) == [("manifest.json", "it is not written as a manifest is")]


@pytest.mark.parametrize("name", ["more.json", "model/more.bin", "proof/more.json"])
def test_member_that_belongs_to_nothing_is_named(name, content):
    members = bundles.members_of(content)
    assert name in [where for where, _ in findings(bundle.pack({**members, name: b"1"}))]


def test_member_changed_with_the_manifest_alone_is_named_by_its_folder(content):
    members = bundles.members_of(content)
    proof = members["proof/proof.json"].replace(b'"roc_auc": 0.', b'"roc_auc": 1.', 1)
    assert findings(bundle.pack({**members, "proof/proof.json": proof})) == [
        ("proof/proof.json", "file 'proof.json' is not the one that was written")
    ]


def metric(of):
    def edit(proof):
        proof["candidate"]["report"][of]["roc_auc"] += 0.001

    return edit


def evidence(proof):
    (check,) = [check for check in proof["verdict"]["checks"] if check["name"] == "floor"]
    (number,) = [
        name
        for name, value in check["evidence"].items()
        if value == proof["candidate"]["report"]["candidate"]["roc_auc"]
    ]
    check["evidence"][number] = 0.99


def used_twice(proof):
    proof["verdict"]["uses"] = 2


@pytest.mark.parametrize(
    ("edits", "where", "what"),
    [
        ({"proof": metric("candidate")}, "proof/proof.json", "candidate.report.candidate.roc_auc is"),
        ({"proof": metric("baseline")}, "proof/proof.json", "candidate.report.baseline.roc_auc is"),
        ({"proof": evidence}, "proof/proof.json", "verdict.checks.floor.evidence."),
        ({"proof": used_twice}, "proof/proof.json", "verdict.uses is 2, and 1 when the gate is asked again"),
        ({"proof": lambda p: p["params"]["gate"].update(floor=0.1)}, "proof/proof.json", "verdict.checks.floor"),
        ({"proof": lambda p: p["params"]["gate"].update(floor=0.1)}, "facts.json", "judged.params_digest is"),
        (
            {"proof": lambda p: p["compared"]["megabytes"].update(model=900.0)},
            "proof/proof.json",
            "verdict.checks.size.evidence.MB",
        ),
        ({"proof": lambda p: p.update(author="Mallory <m@example.org>")}, "facts.json", "author is"),
        ({"proof": lambda p: p["verdict"].update(promote=False)}, "proof/proof.json", "does not promote"),
        ({"release": lambda r: r.update(threshold=0.01)}, "release.json", "threshold is 0.01"),
        ({"release": lambda r: r.update(version=99)}, "release.json", "version is 99"),
        ({"facts": lambda f: f.update(threshold=0.01)}, "facts.json", "threshold is 0.01"),
        ({"facts": lambda f: f["judged"]["metrics"].update(roc_auc=0.99)}, "facts.json", "judged.metrics.roc_auc is"),
        ({"facts": lambda f: f.update(candidate="c" * 64)}, "facts.json", "candidate is"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_consistent_edit_is_found_by_doing_it_again(edits, where, what, content):
    found = findings(bundles.edited(content, **edits))
    assert any(at == where and what in said for at, said in found), found


def test_one_score_of_one_row_that_is_altered_consistently_is_found(content):
    def change(rows):
        rows.loc[17, "candidate"] = 1 - rows.loc[17, "candidate"]
        return rows

    found = findings(bundles.rows_changed(content, change))
    assert any("verdict." in what and "when the gate is asked again" in what for _, what in found), found
    assert any("candidate.report.candidate." in what and "from the rows" in what for _, what in found), found


def test_rows_without_their_columns_are_a_finding_and_no_error(content):
    found = findings(bundles.rows_changed(content, lambda rows: rows.drop(columns="label")))
    assert any("it cannot be checked" in what for _, what in found), found


def test_rows_that_are_no_table_are_a_finding_and_no_error(content):
    found = findings(bundles.edited(content, files={"proof/rows.parquet": b"PAR1"}))
    assert any("it cannot be checked" in what for _, what in found), found


def test_table_that_says_it_is_larger_than_may_be_is_not_read(content, monkeypatch):
    monkeypatch.setattr(verification, "MAX_TABLE_BYTES", 10)
    assert any("are too many" in what for _, what in findings(content))


@pytest.mark.parametrize("change", [-1e-3, 1e-6])
def test_answer_that_the_model_does_not_give_is_found_and_named_by_its_row(change, content):
    answers = bundles.table(content, "proof/golden-answers.parquet")
    answers.loc[3, "probability"] += change
    found = findings(bundles.edited(content, files={"proof/golden-answers.parquet": bundles.parquet(answers)}))
    assert [where for where, _ in found] == ["proof/golden-answers.parquet"]
    assert found[0][1].startswith("probability of row 3 is ")


def test_answer_that_differs_by_rounding_is_none(content):
    answers = bundles.table(content, "proof/golden-answers.parquet")
    answers["probability"] += 1e-12
    assert verify(bundles.edited(content, files={"proof/golden-answers.parquet": bundles.parquet(answers)})).ok


def test_fewer_answers_than_rows_are_found(content):
    answers = bundles.table(content, "proof/golden-answers.parquet").head(5)
    found = findings(bundles.edited(content, files={"proof/golden-answers.parquet": bundles.parquet(answers)}))
    assert found == [("proof/golden-answers.parquet", "it does not hold an answer to each golden row")]


def test_number_that_was_not_logged_is_found(content):
    logged = json.loads(bundles.members_of(content)["proof/metrics.json"])
    changed = json.dumps({**logged, "roc_auc": 0.99, "step.tune.seconds": 3.0}).encode()
    ((where, what),) = findings(bundles.edited(content, files={"proof/metrics.json": changed}))
    assert where == "proof/metrics.json"
    assert what.startswith("roc_auc is 0.99, and ")


def test_entry_whose_payload_was_edited_is_named(content):
    members = bundles.members_of(content)
    lines = json.loads(members["entries.json"])
    lines[-1]["payload"] = lines[-1]["payload"].replace('"predecessor": null', '"predecessor": 7')
    found = findings(bundle.pack({**members, "entries.json": json.dumps(lines).encode()}))
    assert found == [("entries.json", f"the hash of entry {lines[-1]['seq']} (promotion) is not its own")]


def test_bundle_without_the_entry_of_its_facts_is_found(content):
    members = bundles.members_of(content)
    found = findings(bundle.pack({**members, "entries.json": b"[]"}))
    assert found == [("facts.json", "no entry of the ledger holds these facts")]


def test_entry_of_another_version_is_found(content):
    members = bundles.members_of(content)
    lines = json.loads(members["entries.json"])
    other = {**lines[0], "key": "2", "payload": lines[0]["payload"].replace('"version": 1', '"version": 2')}
    other["hash"] = hash_of(*(other[name] for name in ("previous", "at", "model", "kind", "key", "payload")))
    found = findings(bundle.pack({**members, "entries.json": json.dumps([other, *lines[1:]]).encode()}))
    assert ("entries.json", "an entry is not of this version") in found


def test_entries_in_another_order_are_found(content):
    members = bundles.members_of(content)
    first, second, *others = json.loads(members["entries.json"])
    found = findings(bundle.pack({**members, "entries.json": json.dumps([second, first, *others]).encode()}))
    assert found == [("entries.json", f"entry {first['seq']} does not follow entry {second['seq']}")]


def test_rows_that_are_not_those_the_gate_was_asked_about_are_found(content):
    rows = bundles.parquet(bundles.table(content, "proof/rows.parquet"))
    found = findings(bundles.edited(content, files={"proof/rows.parquet": rows}))
    assert found == [("proof/rows.parquet", "it is not the table that the gate was asked about")]


def test_contract_that_is_not_the_models_is_found(content):
    found = findings(bundles.edited(content, proof=lambda proof: proof["contract"].update(description="another")))
    assert found == [("model/contract.json", "it is not the contract of the proof")]


def test_other_model_that_is_named_everywhere_answers_otherwise(content, visits_trained):
    """The simpler family in the winner's place, with every digest that names it made to fit."""
    proof = json.loads(bundles.members_of(content)["proof/proof.json"])
    folder = visits_trained / ".evergreen" / "workspace" / proof["candidate"]["baseline"]["uri"]
    files = {f"model/{name}": content for name, content in released.files(folder).items()}
    digest = hashlib.sha256(files["model/manifest.json"]).hexdigest()
    found = findings(
        bundles.edited(
            content,
            files=files,
            release=lambda release: release.update(model_digest=digest),
            facts=lambda facts: facts["judged"].update(model_digest=digest),
            proof=lambda proof: proof["candidate"]["model"].update(sha256=digest),
        )
    )
    assert "proof/golden-answers.parquet" in [where for where, _ in found]


@pytest.mark.parametrize("name", ["proof.json", "rows.parquet", "metrics.json"])
def test_proof_without_a_file_that_its_manifest_does_not_list_either_is_found(name, content):
    members = bundles.members_of(content)
    del members[f"proof/{name}"]
    manifest = json.loads(members["proof/manifest.json"])
    manifest["files"] = [file for file in manifest["files"] if file["path"] != name]
    members["proof/manifest.json"] = json.dumps(manifest).encode()
    facts = json.loads(members["facts.json"])
    facts["proof"]["sha256"] = hashlib.sha256(members["proof/manifest.json"]).hexdigest()
    members["facts.json"] = json.dumps(facts).encode()
    ((where, _),) = findings(bundle.pack(members))
    assert where in (f"proof/{name}", "proof/proof.json")


def test_proof_of_the_second_version_is_of_the_candidate_that_it_names(visited):
    project = Project.open(overrides=["evaluate.threshold=0.3"])
    train_and_judge(project, reason="fewer misses", do=Direct(register=lambda *_, **__: 2))
    made = bundle.export(project.ledger(), project.workspace, "visits", 2, files={})
    assert verify(made).ok, verify(made).findings
    assert "held 0" in bundles.table(made, "proof/rows.parquet")

    edits = {"proof": lambda p: p["candidate"].update(key="c" * 64), "facts": lambda f: f.update(candidate="c" * 64)}
    found = findings(bundles.edited(made, **edits))
    assert found == [("proof/proof.json", "candidate.key is not that of its model, report and gate")]


def test_model_that_holds_a_pickle_is_refused(content):
    found = findings(bundles.edited(content, files={"model/model.skops": pickle.dumps({"a": 1})}))
    assert any(where == "model/manifest.json" for where, _ in found), found


def test_digest_that_somebody_told_is_compared(content):
    digest = hashlib.sha256(content).hexdigest()
    assert verify(content, digest=digest.upper()).ok
    ((where, what),) = findings(content, digest="0" * 64)
    assert (where, what) == ("file", f"its digest is {digest}, not {'0' * 64}")
    assert verify(bundles.edited(content)).digest != digest


def test_signature_tells_a_bundle_that_somebody_else_made(content, key):
    private, public = key
    signed = bundles.edited(content, signing_key=private)

    assert verify(signed, key=public).signed_by == "team"
    assert verify(signed).ok
    assert (verify(signed).signed, verify(signed).signed_by) == (True, None)
    assert findings(content, key=public) == [("manifest.sig", "it is not signed")]
    members, _ = archive.read(
        bundles.edited(content, facts=lambda facts: facts.update(author=None), files={"documents/card.md": b"?"})
    )
    signature = archive.read(signed)[0]["manifest.sig"]
    forged = archive.write({**members, "manifest.sig": signature})
    assert findings(forged, key=public) == [("manifest.sig", "the signature is of none of the trusted keys")]


def test_fitted_again_version_is_verified_by_its_own_answers(fresh):
    project = Project.open(overrides=["train.refit=true"])
    train_and_judge(project, reason="because", do=Direct())
    made = bundle.export(project.ledger(), project.workspace, "visits", 1, files={})
    assert verify(made).ok, verify(made).findings

    found = findings(bundles.edited(made, facts=lambda facts: facts.update(as_judged=None)))
    assert any(where == "model/manifest.json" and "fitted again" in what for where, what in found), found


@pytest.mark.parametrize("which", tables.TASKS)
def test_bundle_of_each_task_is_verified_and_one_altered_row_is_found(which, tmp_path):
    chain = tables.shared(which, tmp_path)
    made = proofs.exported(chain, Ledger(f"sqlite:///{tmp_path}/ledger.db"))
    assert verify(made).ok, verify(made).findings

    def change(rows):
        (column, *_) = [name for name in rows if name.startswith("candidate")]
        rows.loc[0, column] = rows.loc[0, column] * 0.9 + 0.01
        return rows

    found = findings(bundles.rows_changed(made, change))
    assert any("from the rows" in what for _, what in found), found


def test_file_is_read_and_one_that_is_not_there_is_said(content, tmp_path):
    (tmp_path / "v").write_bytes(content)
    assert verify_file(tmp_path / "v").ok
    assert pd.Series([*tmp_path.iterdir()]).tolist() == [tmp_path / "v"]
    with pytest.raises(ConfigError, match="CFG001: cannot be read: No such file"):
        verify_file(tmp_path / "none")
