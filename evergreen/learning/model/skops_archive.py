"""What a model file must look like before skops reads it: the archive that we write, and nothing else in it."""

import json
import math
import re
import zipfile
from collections.abc import Iterator, Mapping
from hashlib import sha256
from io import BytesIO
from typing import Any, NoReturn

from evergreen.base.errors import MENDS, IntegrityError

SCHEMA = "schema.json"
PROTOCOL = 2  # of skops; files of older ones may choose older, laxer code
MAX_SCHEMA_BYTES = 100_000_000
MAX_SCHEMA_VALUES = 2_000_000  # five forests of 1,000 trees have 1,500,000; a byte of "[]" would become 30 in memory
MAX_DEPTH = 200  # our deepest model has 35
# What a model's objects are built with. Not among them: methods by name, objects met before, archives inside archives.
LOADERS = frozenset(
    f"{name}Node"
    for name in (
        *("Dict", "DefaultDict", "List", "Set", "Tuple", "Bytes", "Bytearray", "Slice", "Json"),
        *("NdArray", "MaskedArray", "DType", "RandomState", "RandomGenerator"),
        *("Object", "ConstructorFromReduce", "Type", "Function", "Partial", "Tree", "Loss"),
    )
)
# skops calls these with arguments of the file, and would call any trusted type: Booster(model_file=...) opens files.
CALLED = {
    "TreeNode": re.compile(r"sklearn\.tree\._tree\.Tree"),
    "LossNode": re.compile(r"sklearn\._loss\._loss\.\w+|sklearn\.linear_model\._sgd_fast\.\w+"),
    "ConstructorFromReduceNode": re.compile(r"(?!lightgbm\.|xgboost\.).+"),
}
MEMBER = re.compile(r"([0-9a-f]{32})\.(npy|bin)")
LOCAL_HEADER_BYTES = 30
END, END_BYTES = b"PK\5\6", 22  # of the archive, without a comment
NUMBERS = rb"'[<>|=](?P<kind>[biufcmMSUV?])(?P<size>\d{1,9})(?:\[[^'\\]*\])?'"
SHAPE = rb"\((?P<shape>(?:\d{1,18}, ?)*(?:\d{1,18})?)\)"
FIELD = re.compile(rb"\('[^'\\]*', " + NUMBERS + rb"(?:, " + SHAPE + rb")?\)(?:, )?")
ARRAY = re.compile(
    rb"\{'descr': (?:" + NUMBERS + rb"|\[(?P<fields>[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*)\]), "
    rb"'fortran_order': (?:True|False), 'shape': " + SHAPE + rb", \} *\n"
)
MAX_HEADER_BYTES = 10_000
MAGIC = b"\x93NUMPY"


def check(content: bytes, *, where: str) -> None:
    """Check that bytes are an archive as we write it; nothing in them is imported, built, or unpacked.

    Its members lie behind one another, uncompressed, each under the digest of what it holds; all of them are arrays of
    numbers and text, or bytes, that the schema names, and the schema builds with nothing but LOADERS.

    Raises
    ------
    IntegrityError if not: a pickle, an archive that would grow when it is unpacked, members that overlap, lead out,
    link, come twice or are not needed, arrays of objects, a schema that is too deep, too large or not one.
    """
    members = _members(content, where)
    schema = members.pop(SCHEMA, None)
    if schema is None or len(schema) > MAX_SCHEMA_BYTES or sum(map(schema.count, b"[{,")) > MAX_SCHEMA_VALUES:
        _refuse("it has no schema" if schema is None else "its schema is too large", where)
    try:
        state = json.loads(schema.decode())
    except (ValueError, RecursionError):
        _refuse("its schema is not JSON, or too deep", where)
    if not isinstance(state, dict) or state.get("protocol") != PROTOCOL:
        _refuse(f"its schema is not one of protocol {PROTOCOL}", where)
    named = set(_files(state, where))
    if named != members.keys():
        odd = sorted(named ^ members.keys())[0]
        _refuse(f"member '{odd}' is missing" if odd in named else f"member '{odd}' is not named in its schema", where)
    for name, member in members.items():
        if name.endswith(".npy") and not _is_plain_array(member):
            _refuse(f"member '{name}' is not an array of numbers or text", where)


def _members(content: bytes, where: str) -> dict[str, bytes]:
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            end = 0
            for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
                named = MEMBER.fullmatch(info.filename)
                if info.filename in members or not (named or info.filename == SCHEMA):
                    _refuse(f"member '{info.filename[:80]}' is there twice, or has no name of ours", where)
                if info.compress_type != zipfile.ZIP_STORED:
                    _refuse(f"member '{info.filename}' is compressed", where)
                if info.header_offset != end or info.external_attr >> 28 not in (0, 8):
                    _refuse(f"member '{info.filename}' overlaps another, lies apart, or is a link", where)
                extra = int.from_bytes(content[end + 28 : end + LOCAL_HEADER_BYTES], "little")
                end += LOCAL_HEADER_BYTES + len(info.filename) + extra + info.file_size
                members[info.filename] = archive.read(info)
                if named and not sha256(members[info.filename]).hexdigest().startswith(named[1]):
                    _refuse(f"member '{info.filename}' is not the one of its name", where)
            if end != archive.start_dir or content[-END_BYTES:][:4] != END:
                _refuse("something lies between its members, or behind them", where)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, ValueError, RuntimeError, EOFError, OSError) as error:
        _refuse(f"it is not an archive: {error}", where)
    return members


def _files(state: dict[str, Any], where: str) -> Iterator[str]:
    """Yield the members that a schema names, and check what it builds with."""
    nodes: list[tuple[Any, int]] = [(state, 0)]
    while nodes:
        node, depth = nodes.pop()
        if depth > MAX_DEPTH:
            _refuse(f"its schema is deeper than {MAX_DEPTH}", where)
        if isinstance(node, list):
            nodes += [(item, depth + 1) for item in node]
        if not isinstance(node, dict):
            continue
        nodes += [(item, depth + 1) for item in node.values()]
        if isinstance(node.get("__loader__"), str):
            _check_node(node, where)
            if isinstance(node.get("file"), str):
                yield node["file"]


def _check_node(node: Mapping[str, Any], where: str) -> None:
    loader, module, name = node["__loader__"], node.get("__module__"), node.get("__class__")
    if loader not in LOADERS or not isinstance(module, str) or not isinstance(name, str):
        _refuse(f"its schema holds a '{loader}'", where)
    if "__id__" in node:
        _refuse("its schema numbers its objects", where)
    if loader in CALLED and not CALLED[loader].fullmatch(f"{module}.{name}"):
        _refuse(f"its schema would call {module}.{name}", where)


def _is_plain_array(member: bytes) -> bool:
    """Whether bytes are an array in NumPy's format without objects, and exactly as long as its header says."""
    if not member.startswith(MAGIC) or len(member) < 12 or member[7] != 0 or member[6] not in (1, 2, 3):
        return False
    begin = 10 if member[6] == 1 else 12
    length = int.from_bytes(member[8:begin], "little")
    header = ARRAY.fullmatch(member[begin : begin + length]) if length <= MAX_HEADER_BYTES else None
    if header is None:
        return False
    if header["fields"] is None:
        n_bytes = _n_bytes(header)
    else:
        fields = list(FIELD.finditer(header["fields"]))
        if b"".join(field[0] for field in fields) != header["fields"]:
            return False
        n_bytes = sum(_n_bytes(field) * _n_items(field["shape"] or b"") for field in fields)
    return len(member) == begin + length + n_bytes * _n_items(header["shape"])


def _n_bytes(number: re.Match[bytes]) -> int:
    return int(number["size"]) * (4 if number["kind"] == b"U" else 1)


def _n_items(shape: bytes) -> int:
    return math.prod(int(length) for length in shape.split(b",") if length.strip())


def refusal(what: str, where: str) -> IntegrityError:
    """Return the error of a model file that is not one of ours."""
    return IntegrityError(
        "INT019",
        f"not a model file of ours: {what}",
        where=where,
        next_step=f"Do not use this file. {MENDS}",
    )


def _refuse(what: str, where: str) -> NoReturn:
    raise refusal(what, where)
