"""Model files that are not ours: refused before skops sees them, with nothing imported, run or unpickled."""

import io
import json
import os
import pickle
import py_compile
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import released
from audited import audited
from scipy import sparse

from evergreen import own_code
from evergreen.base.artifacts.workspace import Workspace
from evergreen.base.errors import IntegrityError
from evergreen.learning.features import lookups
from evergreen.learning.model import model as models
from evergreen.learning.model import skops_archive, skops_file
from evergreen.learning.model.skops_archive import MAX_DEPTH, SCHEMA, check

Members = dict[str, bytes]


@pytest.fixture(scope="module")
def genuine() -> bytes:
    content = skops_file.to_bytes(released.fitted("random_forest", n_estimators=2, max_depth=3))
    skops_file.from_bytes(content)  # what it needs is imported from here on
    return content


def members_of(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archived(members: Members, compression: int = zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return target.getvalue()


def named(content: bytes, suffix: str) -> str:
    return f"{sha256(content).hexdigest()[:32]}.{suffix}"


def refused(content: bytes, code: str = "INT019") -> str:
    """Return why a model file is refused; nothing was run, imported or unpickled until then."""
    with audited() as events, pytest.raises(IntegrityError) as caught:
        skops_file.from_bytes(content, where="here")
    assert events == []
    assert (caught.value.code, caught.value.where, caught.value.exit_code) == (code, "here", 7)
    return caught.value.what


class Runs:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("false",)


def test_our_own_files_are_let_through(genuine):
    check(genuine, where="here")


# -- the archive --------------------------------------------------------------------------------------------------


def dumped(value: object) -> bytes:
    target = io.BytesIO()
    joblib.dump(value, target)
    return target.getvalue()


def attributed(content: bytes, attributes: int) -> bytes:
    """Return the archive with these attributes of its first member."""
    at = content.index(b"PK\x01\x02") + 38
    return content[:at] + struct.pack("<I", attributes) + content[at + 4 :]


def flipped(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def twice(content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, member in members_of(content).items():
            archive.writestr(zipfile.ZipInfo(name), member)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(zipfile.ZipInfo(SCHEMA), members_of(content)[SCHEMA])
    return target.getvalue()


def overlapping(content: bytes) -> bytes:
    """Return an archive whose directory names one stretch of it 500 times: a bomb without compression."""
    name, member = next((name, member) for name, member in members_of(content).items() if name != SCHEMA)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), member)
        archive.writestr(zipfile.ZipInfo(SCHEMA), members_of(content)[SCHEMA])
        for number in range(500):
            info = zipfile.ZipInfo(f"{number:032x}.bin")
            info.header_offset = 0
            info.CRC, info.compress_size, info.file_size = archive.filelist[0].CRC, len(member), len(member)
            archive.filelist.append(info)
    return target.getvalue()


def with_member(name: str, member: bytes = b"") -> Callable[[bytes], bytes]:
    return lambda content: archived({**members_of(content), name: member})


ARCHIVES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "pickle": lambda content: pickle.dumps(Runs()),
    "joblib": lambda content: dumped(Runs()),
    "joblib of a pipeline": lambda content: dumped(released.fitted("prior")),
    "pickle before the archive": lambda content: pickle.dumps(Runs()) + content,
    "pickle behind the archive": lambda content: content + pickle.dumps(Runs()),
    "array of objects": lambda content: saved(np.array([Runs()], dtype=object)),
    "half of it": lambda content: content[: len(content) // 2],
    "all but its last byte": lambda content: content[:-1],
    "all but its first byte": lambda content: content[1:],
    "comment": lambda content: content[:-2] + b"\4\0" + b"more",
    "archive without members": lambda content: archived({}),
    "no schema": lambda content: archived({n: m for n, m in members_of(content).items() if n != SCHEMA}),
    "schema alone": lambda content: archived({SCHEMA: members_of(content)[SCHEMA]}),
    "bomb": lambda content: archived({**members_of(content), named(BOMB, "bin"): BOMB}, zipfile.ZIP_DEFLATED),
    "bomb in bzip2": lambda content: archived({**members_of(content), named(BOMB, "bin"): BOMB}, zipfile.ZIP_BZIP2),
    "bomb in lzma": lambda content: archived({**members_of(content), named(BOMB, "bin"): BOMB}, zipfile.ZIP_LZMA),
    "bomb as schema": lambda content: archived({SCHEMA: b" " * 50_000_000}, zipfile.ZIP_DEFLATED),
    "compressed": lambda content: archived(members_of(content), zipfile.ZIP_DEFLATED),
    "overlapping members": overlapping,
    "member that leads out": with_member("../../outside.npy"),
    "member of an absolute name": with_member("/etc/cron.d/evil"),
    "member of another system": with_member("..\\outside.npy"),
    "member of a drive": with_member("C:outside.npy"),
    "folder": with_member("folder/"),
    "code": with_member("evil.py", b"import os"),
    "pickle as a member": with_member("model.pkl", pickle.dumps(Runs())),
    "list of trusted types": with_member("trusted.json", b'["os.system"]'),
    "schema twice": twice,
    "schema in capitals": with_member("SCHEMA.JSON", b"{}"),
    "member that is not named": with_member(named(b"more", "bin"), b"more"),
    "member under another name": with_member("0" * 32 + ".npy", b"more"),
    "archive in the archive": with_member(named(b"PK", "npz"), b"PK"),
    "first member is a link": lambda content: attributed(content, 0o120777 << 16),
    "first member is a folder": lambda content: attributed(content, 0o040777 << 16),
    "first member is a pipe": lambda content: attributed(content, 0o010777 << 16),
    "locked": lambda content: flipped(content, content.index(b"PK\x01\x02") + 8),
    "members swapped": lambda content: archived(swapped(members_of(content))),
}
BOMB = bytes(20_000_000)


def swapped(members: Members) -> Members:
    one, other = sorted(name for name in members if name.endswith(".npy"))[:2]
    return {**members, one: members[other], other: members[one]}


def saved(array: Any) -> bytes:
    target = io.BytesIO()
    np.save(target, array, allow_pickle=array.dtype.hasobject)
    return target.getvalue()


SAYS = {
    "bomb": "is compressed",
    "compressed": "is compressed",
    "members swapped": "is not the one of its name",
    "member that is not named": "is not named in its schema",
    "pickle behind the archive": "behind them",
    "first member is a link": "or is a link",
    "schema twice": "twice",
}


@pytest.mark.parametrize("attack", ARCHIVES)
def test_archive_that_we_do_not_write_is_refused(genuine, attack):
    assert SAYS.get(attack, "") in refused(ARCHIVES[attack](genuine))


def test_what_lies_between_the_members_and_their_directory_is_refused(genuine):
    directory, end = genuine.index(b"PK\x01\x02"), len(genuine) - 22
    hidden = pickle.dumps(Runs())
    offset = struct.pack("<I", directory + len(hidden))
    content = genuine[:directory] + hidden + genuine[directory : end + 16] + offset + genuine[end + 20 :]
    assert members_of(content) == members_of(genuine)

    assert "between its members" in refused(content)


@pytest.mark.parametrize("limit", ["MAX_SCHEMA_BYTES", "MAX_SCHEMA_VALUES"])
def test_schema_that_is_too_large_is_not_parsed(genuine, monkeypatch, limit):
    monkeypatch.setattr(skops_archive, limit, 100)
    monkeypatch.setattr(json, "loads", lambda *_: pytest.fail("it was parsed"))

    assert "its schema is too large" in refused(genuine)


def bytes_of(name: str) -> dict[str, Any]:
    return {"__loader__": "BytesNode", "__module__": "builtins", "__class__": "bytes", "file": name}


def both(one: str, other: str) -> bytes:
    """Return a schema that names two members."""
    held = {"__loader__": "ListNode", "__module__": "builtins", "__class__": "list", "protocol": 2}
    return json.dumps({**held, "content": [bytes_of(one), bytes_of(other)]}).encode()


def test_member_whose_name_leads_out_is_refused_where_the_schema_names_it(genuine):
    inside, outside = named(b"a", "bin"), "../../outside.bin"
    content = archived({SCHEMA: both(inside, outside), inside: b"a", outside: b"b"})

    assert "has no name of ours" in refused(content)


def test_member_that_is_compressed_to_the_size_that_it_had_is_refused(genuine):
    texts = (bytes(range(n)) + bytes(m) for n in range(1, 100) for m in range(20))
    same = next(text for text in texts if len(deflated(text)) == len(text))
    member, other = named(same, "bin"), named(b"a", "bin")

    content = archived({SCHEMA: both(member, other), other: b"a"})
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as archive:
        archive.writestr(zipfile.ZipInfo(member), same, zipfile.ZIP_DEFLATED)

    assert f"member '{member}' is compressed" in refused(target.getvalue())


def deflated(text: bytes) -> bytes:
    squeezed = zlib.compressobj(wbits=-15)
    return squeezed.compress(text) + squeezed.flush()


def test_member_inside_another_is_refused_though_all_lengths_add_up(genuine):
    shown = b"shown"
    one = archived({named(shown, "bin"): shown})
    holds = one[: one.index(b"PK\x01\x02")]  # a whole entry, as the bytes of another one
    outer, inner = named(holds, "bin"), named(shown, "bin")
    content = bytearray(archived({SCHEMA: both(outer, inner), outer: holds, inner: shown}))
    check(bytes(content), where="here")
    at = content.rindex(b"PK\x01\x02") + 42
    content[at : at + 4] = struct.pack("<I", content.index(holds))

    assert "overlaps another" in refused(bytes(content))


def test_one_flipped_bit_is_refused_wherever_it_changes_what_is_read(genuine):
    passed = []
    for place in range(0, len(genuine), max(1, len(genuine) // 400)):
        content = flipped(genuine, place)
        try:
            with audited() as events:
                check(content, where="here")
        except IntegrityError:
            assert events == []
        else:
            passed.append(place)
            assert members_of(content) == members_of(genuine)  # a date, or a version that nobody reads
    assert len(passed) < 20


# -- the schema ---------------------------------------------------------------------------------------------------


def node(loader: str, kind: str, **fields: object) -> dict[str, Any]:
    module, _, name = kind.rpartition(".")
    return {"__loader__": loader, "__module__": module, "__class__": name, **fields}


def with_schema(schema: object, **members: bytes) -> bytes:
    written = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    return archived({SCHEMA: written, **members})


def of_protocol(root: dict[str, Any], protocol: object = 2) -> bytes:
    return with_schema({**root, "protocol": protocol, "_skops_version": "0.16.0"})


TEXT = node("JsonNode", "builtins.str", content='"x"')
NOTHING = node("TupleNode", "builtins.tuple", content=[])
FEW = node("DictNode", "builtins.dict", content={}, key_types=node("ListNode", "builtins.list", content=[]))
ARGUMENTS = {"__reduce__": {"args": NOTHING}}
DEEP = '{"__loader__":"ListNode","__module__":"builtins","__class__":"list","protocol":2,"content":['
SCHEMAS: dict[str, bytes] = {
    "empty": with_schema(b""),
    "not JSON": with_schema(b"{"),
    "not UTF-8": with_schema(b'{"\xff": 1}'),
    "UTF-16": with_schema(json.dumps({**TEXT, "protocol": 2}).encode("utf-16")),
    "list": with_schema([]),
    "deep": with_schema(b"[" * 100_000),
    "deep and whole": with_schema((DEEP * 2_000 + "]}" * 2_000).encode()),
    "deeper than any of ours": with_schema((DEEP * (MAX_DEPTH // 2 + 1) + "]}" * (MAX_DEPTH // 2 + 1)).encode()),
    "number of many digits": with_schema(b'{"protocol":' + b"9" * 10_000 + b"}"),
    "no protocol": with_schema(TEXT),
    "older protocol": of_protocol(TEXT, 0),
    "protocol to come": of_protocol(TEXT, 3),
    "protocol as text": of_protocol(TEXT, "2"),
    "protocol as truth": of_protocol(TEXT, True),
    "no loader": of_protocol({"content": 1}),
    "loader that is not one": of_protocol({**TEXT, "__loader__": ["JsonNode"]}),
    "unknown loader": of_protocol({**TEXT, "__loader__": "EvalNode"}),
    "no class": of_protocol({"__loader__": "JsonNode", "content": "1"}),
    "class that is not text": of_protocol({**TEXT, "__class__": ["str"]}),
    "module that is none": of_protocol({**TEXT, "__module__": None}),
    "method": of_protocol(node("MethodNode", "builtins.str", content={"func": "format", "obj": TEXT})),
    "operator": of_protocol(node("OperatorFuncNode", "operator.methodcaller", attrs=NOTHING)),
    "object met before": of_protocol({**node("CachedNode", "builtins.str"), "__id__": 1}),
    "numbered objects": of_protocol({**TEXT, "__id__": 1}),
    "sparse matrix": of_protocol(node("SparseMatrixNode", "scipy.sparse._matrix.spmatrix", type="scipy", file="a.npz")),
    "forest of another package": of_protocol(node("QuantileForestNode", "quantile_forest.QuantileForest")),
    "loader of lost releases": of_protocol(node("_DictWithDeprecatedKeysNode", "builtins.dict")),
    "booster that opens a file": of_protocol(
        node("ConstructorFromReduceNode", "xgboost.core.Booster", content=NOTHING)
    ),
    "another that does": of_protocol(node("ConstructorFromReduceNode", "lightgbm.basic.Booster", content=NOTHING)),
    "booster as a loss": of_protocol(node("LossNode", "lightgbm.basic.Booster", content=FEW, **ARGUMENTS)),
    "booster as a tree": of_protocol(node("TreeNode", "xgboost.core.Booster", content=FEW, **ARGUMENTS)),
    "file that is not there": of_protocol(node("BytesNode", "builtins.bytes", file="0" * 32 + ".bin")),
    "file that leads out": of_protocol(node("BytesNode", "builtins.bytes", file="/etc/passwd")),
    "array without a type": of_protocol(node("NdArrayNode", "numpy.ndarray")),
    "text in content's place": of_protocol(node("ListNode", "builtins.list", content="x")),
    "JSON that is not": of_protocol({**TEXT, "content": "{"}),
    "deep JSON in JSON": of_protocol({**TEXT, "content": "[" * 100_000}),
    "tuple that is a number": of_protocol({**NOTHING, "content": 7}),
    "keys without types": of_protocol(node("DictNode", "builtins.dict", content={"a": TEXT})),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_that_we_do_not_write_is_refused(genuine, name):
    refused(SCHEMAS[name])


FOREIGN = (
    *("os.system", "posix.system", "subprocess.Popen", "builtins.eval", "builtins.exec", "builtins.__import__"),
    *("antigravity.anything", "this.s", "lib2to3.main.main", "idlelib.run.main", "nowhere.at.all", "pickle.loads"),
    *("ctypes.CDLL", "importlib.import_module", "joblib.numpy_pickle.load", "numpy.load", "operator.attrgetter"),
    *("functools.partial", "skops.io._persist.loads", "evergreen.own_code.load", "evergreen.own.nowhere.Model"),
    *("evergreen.own.Model", "evergreen.own...os.system", "evergreen.own./etc/passwd.x", "evergreen.own.a-b.C"),
)


@pytest.mark.parametrize("loader", ["ObjectNode", "TypeNode", "FunctionNode", "ConstructorFromReduceNode", "ListNode"])
@pytest.mark.parametrize("kind", FOREIGN)
def test_type_that_is_not_on_the_list_is_refused_without_being_imported(genuine, loader, kind):
    before = set(sys.modules)
    content = NOTHING if loader == "ConstructorFromReduceNode" else [] if loader == "ListNode" else None

    why = refused(of_protocol(node(loader, kind, **({} if content is None else {"content": content}))), code="INT004")

    assert kind in why
    assert set(sys.modules) == before


def test_module_that_lies_in_evergreen_own_without_its_source_is_not_imported(genuine, tmp_path, monkeypatch):
    monkeypatch.setattr(own_code.own, "__path__", [str(tmp_path)])
    (tmp_path / "source").write_text("class Model: pass\n")
    py_compile.compile(str(tmp_path / "source"), cfile=str(tmp_path / "hidden.pyc"))

    assert "hidden.Model" in refused(of_protocol(node("ObjectNode", "evergreen.own.hidden.Model")), code="INT004")
    assert "evergreen.own.hidden" not in sys.modules


@pytest.mark.parametrize("held", ["trusted", "__trusted__", "trusted_types", "skops_trusted_types"])
def test_types_that_a_file_says_are_trusted_are_not(genuine, held):
    schema = {**node("ObjectNode", "os.system"), "protocol": 2, held: ["os.system"]}

    assert "os.system" in refused(with_schema(schema), code="INT004")


def test_foreign_type_deep_inside_a_genuine_model_is_refused(genuine):
    members = members_of(genuine)
    members[SCHEMA] = members[SCHEMA].replace(
        b'"__class__": "Tree", "__module__": "sklearn.tree._tree"', b'"__class__": "system", "__module__": "os"', 1
    )
    assert members[SCHEMA] != members_of(genuine)[SCHEMA]

    refused(archived(members))
    object_node = members_of(genuine)[SCHEMA].replace(b'"RandomForestClassifier"', b'"Nobody"', 1)
    assert "Nobody" in refused(archived({**members_of(genuine), SCHEMA: object_node}), code="INT004")


# -- arrays -------------------------------------------------------------------------------------------------------


def header(text: bytes, version: int = 1, data: bytes = b"") -> bytes:
    padded = text + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(padded))
    return skops_archive.MAGIC + bytes([version, 0]) + size + padded + data


ONE = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }"
ARRAYS: dict[str, bytes] = {
    "pickle": pickle.dumps(Runs()),
    "empty": b"",
    "magic alone": skops_archive.MAGIC,
    "objects": saved(np.array([Runs()], dtype=object)),
    "objects among numbers": saved(np.zeros(1, dtype=[("a", "<f8"), ("b", "O")])),
    "objects, otherwise written": header(ONE.replace(b"'<f8'", b"'O'"), data=bytes(8)),
    "objects, in two pieces": header(ONE.replace(b"'<f8'", b"'|' 'O'"), data=bytes(8)),
    "objects, escaped": header(ONE.replace(b"'<f8'", b"'\\x7cO'"), data=bytes(8)),
    "objects, in other quotes": header(ONE.replace(b"'<f8'", b'"|O"'), data=bytes(8)),
    "objects that no length tells": header(ONE.replace(b"'<f8'", b"[('a', '<f8'), ('b', '|O')]"), data=bytes(8)),
    "objects inside": header(ONE.replace(b"'<f8'", b"[('a', [('b', '|O')])]"), data=bytes(8)),
    "one value less": header(ONE),
    "one byte more": header(ONE, data=bytes(9)),
    "more than there is memory for": header(ONE.replace(b"(1,)", b"(99999999999999,)"), data=bytes(8)),
    "more in many directions": header(ONE.replace(b"(1,)", b"(99999999, 99999999, 99999999)"), data=bytes(8)),
    "below nothing": header(ONE.replace(b"(1,)", b"(-1,)"), data=bytes(8)),
    "shape that is called": header(ONE.replace(b"(1,)", b"(len('a'),)"), data=bytes(8)),
    "no header": header(b"", data=bytes(8)),
    "header that does not end": header(b"(" * 9_000, data=bytes(8)),
    "header that is too long": header(ONE + b" " * 20_000, data=bytes(8)),
    "header of brackets": header(b"{'descr': [" + b"[" * 9_000, data=bytes(8)),
    "version to come": header(ONE, version=4, data=bytes(8)),
    "sparse": b"",
}


@pytest.mark.parametrize("name", ARRAYS)
def test_array_that_is_not_one_of_numbers_or_text_is_refused(genuine, name):
    content = ARRAYS[name]
    if name == "sparse":
        target = io.BytesIO()
        sparse.save_npz(target, sparse.eye(2).tocsr())
        content = target.getvalue()
    member = named(content, "npy")
    schema = {**node("NdArrayNode", "numpy.ndarray", type="numpy", file=member), "protocol": 2}

    assert "is not an array of numbers or text" in refused(with_schema(schema, **{member: content}))


@pytest.mark.parametrize(
    "array",
    [
        np.array(3.0),
        np.zeros((0, 3)),
        np.array(["a", "bc"]),
        np.array([True]),
        np.array([b"x"]),
        np.array(["2024-03-01"], dtype="M8[ns]"),
        np.asfortranarray(np.ones((2, 3))),
        np.zeros(3, dtype=[("a", "<f8"), ("b", "<i4", (2, 3)), ("c", "M8[s]")]),
        np.zeros(2, dtype=np.dtype({"names": ["a", "b"], "formats": ["i1", "f8"]}, align=True)),
        np.zeros(2, dtype=">i2"),
    ],
    ids=lambda array: str(array.dtype),
)
def test_array_that_numpy_writes_of_numbers_or_text_survives_a_round_trip(array):
    loaded = skops_file.from_bytes(skops_file.to_bytes({"array": array}))["array"]

    assert loaded.dtype == array.dtype
    np.testing.assert_array_equal(loaded, array)


# -- the folder around it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("model.skops", pickle.dumps(Runs()), "INT019"),
        ("model.skops", dumped(Runs()), "INT019"),
        ("model.skops", of_protocol(node("ObjectNode", "os.system")), "INT004"),
        ("model.skops", None, "INT003"),
        ("contract.json", b"[" * 100_000, "INT003"),
        ("contract.json", b"{}", "INT003"),
        ("contract.json", None, "INT003"),
        ("features.json", pickle.dumps(Runs()), "INT003"),
        ("features.json", None, "INT003"),
        ("lookups/table.parquet", pickle.dumps(Runs()), "INT003"),
    ],
)
def test_model_folder_that_is_digested_anew_around_what_is_not_ours_is_refused(genuine, tmp_path, name, content, code):
    released.bundle(tmp_path)
    names = ("model.skops", "contract.json", "features.json")
    files = {path: (tmp_path / "model" / path).read_bytes() for path in names}
    changed = {path: each for path, each in {**files, name: content}.items() if each is not None}
    ref = Workspace(root=tmp_path / "other").write_folder("model", changed, {})
    models.load(tmp_path / "model", released.bundle(tmp_path).model_digest)  # imports what is imported for any
    lookups.from_files(lookups.to_files({"table": pd.DataFrame({"key": ["a"], "value": [1.0]}).set_index("key")}))

    with audited() as events, pytest.raises(IntegrityError) as caught:
        models.load(tmp_path / "other" / ref.uri, ref.sha256)

    assert events == []
    assert (caught.value.code, caught.value.exit_code) == (code, 7)


def test_function_that_a_model_names_is_not_imported_from_anywhere(genuine, tmp_path):
    release = released.bundle(tmp_path)
    files = {path: (tmp_path / "model" / path).read_bytes() for path in ("model.skops", "contract.json")}
    features = released.FEATURES.model_copy(update={"functions": ("antigravity.fly",)}).model_dump_json().encode()
    ref = Workspace(root=tmp_path / "other").write_folder("model", {**files, "features.json": features}, {})
    models.load(tmp_path / "model", release.model_digest)

    with pytest.raises(IntegrityError, match=r"INT004: the model names a function outside evergreen\.own: antigravity"):
        models.load(tmp_path / "other" / ref.uri, ref.sha256)

    assert "antigravity" not in sys.modules
