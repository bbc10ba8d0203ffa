"""A ZIP that can be written in one way only, so that equal content is equal bytes and no byte is without meaning.

Members are stored, not compressed, sorted by name, and have no times and no rights of their own. Any tool opens such a
file; only `read` says whether it is one.
"""

import struct
import zlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

from evergreen.base.artifacts.folders import is_inside

LOCAL, CENTRAL, END = struct.Struct("<4s5H3I2H"), struct.Struct("<4s6H3I5H2I"), struct.Struct("<4s4H2IH")
LOCAL_MARK, CENTRAL_MARK, END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
NEEDED, UTF8, STORED, NO_TIME, FIRST_DAY = 20, 0x800, 0, 0, 0x21  # the first day is 1980-01-01
MADE_BY, PLAIN_FILE = 3 << 8 | NEEDED, 0o100644 << 16  # as of Unix, which archives say rights of
STRUCTURE = "archive structure"
MAX_BYTES = 2**31 - 1
MAX_MEMBERS = 10_000
MAX_PART_BYTES = 255  # of a name, as file systems have it

Damage = tuple[str, str]  # where, and what is wrong there


def write(members: Mapping[str, bytes]) -> bytes:
    """Return the archive of members by name; names are relative paths with ``/``.

    Raises
    ------
    ValueError if a name leads out of a folder, or the whole is too large for one archive.
    """
    if wrong := [name for name in members if not _is_plain(name)] or _both(members):
        raise ValueError(f"not the name of a member: {wrong[0]!r}")
    kept = [(name.encode(), zlib.crc32(members[name]), members[name]) for name in _ordered(members)]
    parts = [part for name, crc, data in kept for part in (_header(name, crc, len(data)), data)]
    whole = b"".join([*parts, _ending((name, crc, len(data)) for name, crc, data in kept)])
    if len(whole) > MAX_BYTES or len(members) > MAX_MEMBERS:
        raise ValueError(f"{len(members)} members of {len(whole)} bytes are too many for one archive")
    return whole


def read(content: bytes) -> tuple[dict[str, bytes], list[Damage]]:
    """Return the members of an archive that `write` made, and what is wrong with it: nothing, or every member is named.

    No byte is taken on trust: what is not a member's is compared with the only way to write it. Checksums only serve to
    name a member; whoever wants to know that it is the right one compares its SHA-256.
    """
    members: dict[str, bytes] = {}
    listed: list[tuple[bytes, int, int]] = []
    damages: list[Damage] = []
    offset = 0
    while content.startswith(LOCAL_MARK, offset) and offset + LOCAL.size <= len(content):
        *_, crc, size, _, n_name, _ = LOCAL.unpack_from(content, offset)
        begin = offset + LOCAL.size + n_name
        raw = content[offset + LOCAL.size : begin]
        name = _decoded(raw)
        if (at := _first_difference(content[offset:begin], _header(raw, crc, size))) is not None:
            return members, [*damages, _structure(offset + at)]
        if name is None or not _is_plain(name) or (listed and raw <= listed[-1][0]) or len(members) == MAX_MEMBERS:
            return members, [*damages, _structure(offset + LOCAL.size)]
        data = content[begin : begin + size]
        if len(data) < size:
            return members, [*damages, (name, f"it is cut off after {len(data)} of {size} bytes")]
        if zlib.crc32(data) != crc:
            damages.append((name, "its bytes are not those that were written"))
        members[name] = data
        listed.append((raw, crc, size))
        offset = begin + size
    if (at := _first_difference(content[offset:], _ending(listed))) is not None:
        damages.append(_structure(offset + at))
    damages += [(name, "it is a member and a folder of members") for name in _both(members)]
    return members, damages


def _header(name: bytes, crc: int, size: int) -> bytes:
    return LOCAL.pack(LOCAL_MARK, NEEDED, UTF8, STORED, NO_TIME, FIRST_DAY, crc, size, size, len(name), 0) + name


def _ending(listed: Iterable[tuple[bytes, int, int]]) -> bytes:
    """Return the directory of members, by name, checksum and size, and the end of the archive."""
    parts, offset = [], 0
    for name, crc, size in listed:
        fixed = (CENTRAL_MARK, MADE_BY, NEEDED, UTF8, STORED, NO_TIME, FIRST_DAY, crc, size, size, len(name))
        parts.append(CENTRAL.pack(*fixed, 0, 0, 0, 0, PLAIN_FILE, offset) + name)
        offset += LOCAL.size + len(name) + size
    directory = b"".join(parts)
    return directory + END.pack(END_MARK, 0, 0, len(parts), len(parts), len(directory), offset, 0)


def _ordered(names: Iterable[str]) -> list[str]:
    return sorted(names, key=str.encode)


def _is_plain(name: str) -> bool:
    whole = is_inside(name) and "\\" not in name and name.isprintable() and len(name.encode()) < 2**16
    return whole and all(len(part.encode()) <= MAX_PART_BYTES for part in name.split("/"))


def _both(names: Collection[str]) -> list[str]:
    """Return names of members that are also folders of members."""
    folders = {str(folder) for name in names for folder in PurePosixPath(name).parents}
    return [name for name in names if name in folders]


def _decoded(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def _structure(at: int) -> Damage:
    return STRUCTURE, f"byte {at} is not what it must be"


def _first_difference(found: bytes, wanted: bytes) -> int | None:
    if found == wanted:
        return None
    different = (at for at, (ours, theirs) in enumerate(zip(found, wanted, strict=False)) if ours != theirs)
    return next(different, min(len(found), len(wanted)))
