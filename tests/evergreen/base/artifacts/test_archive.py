"""The archive that can be written in one way only: zipfile is the other implementation."""

import io
import random
import zipfile

import pytest

from evergreen.base.artifacts import archive

MEMBERS = {"b/two.bin": bytes(range(256)) * 4, "a.txt": b"one", "größe.json": b"{}", "empty": b""}


def test_archive_is_opened_by_any_tool_and_read_back():
    content = archive.write(MEMBERS)

    assert archive.read(content) == (MEMBERS, [])
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        assert opened.testzip() is None
        assert {name: opened.read(name) for name in opened.namelist()} == MEMBERS
        assert opened.namelist() == ["a.txt", "b/two.bin", "empty", "größe.json"]


def test_equal_content_is_equal_bytes():
    assert archive.write(dict(reversed(MEMBERS.items()))) == archive.write(MEMBERS)


def test_archive_of_nothing_is_one_too():
    assert archive.read(archive.write({})) == ({}, [])


def owner(content: bytes, at: int) -> str | None:
    """Return the member whose data a byte belongs to, as zipfile sees it."""
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        for info in opened.infolist():
            begin = info.header_offset + 30 + len(info.filename.encode())
            if begin <= at < begin + info.file_size:
                return info.filename
    return None


def test_every_changed_byte_is_named_by_its_member_or_its_place():
    content = archive.write(MEMBERS)
    for at in range(len(content)):
        _, damages = archive.read(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert damages, at
        if name := owner(content, at):
            assert damages == [(name, "its bytes are not those that were written")]


def test_every_byte_that_was_put_in_taken_out_or_cut_off_is_seen():
    content = archive.write(MEMBERS)
    for at in range(len(content)):
        assert archive.read(content[:at] + b"P" + content[at:])[1], at
        assert archive.read(content[:at] + content[at + 1 :])[1], at
        assert archive.read(content[:at])[1], at
    for beside in (content + b"\0", b"\0" + content, content * 2):
        assert archive.read(beside)[1]


def zipped(*named: tuple[zipfile.ZipInfo | str, bytes], comment=b"", compression=zipfile.ZIP_STORED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as opened:
        opened.comment = comment
        for name, data in named:
            opened.writestr(name, data)
    return target.getvalue()


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return info


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK",
        b"not a ZIP",
        zipped(("a", b"1")),  # with a time
        zipped(("a", b"1"), comment=b"c"),
        zipped(("a", b"0" * 10_000_000), compression=zipfile.ZIP_DEFLATED),
        zipped((link(), b"/etc/passwd")),
    ],
    ids=["empty", "short", "text", "time", "comment", "compressed", "link"],
)
def test_what_was_written_in_another_way_is_refused(content):
    assert archive.read(content)[1]


@pytest.mark.parametrize("name", ["../a", "/a", "a/../b", "a//b", "a\\b", "c:a", "", "a\nb", ".", "n" * 256])
def test_name_that_leads_elsewhere_is_neither_written_nor_read(name, monkeypatch):
    with pytest.raises(ValueError, match="not the name of a member"):
        archive.write({name: b"1"})
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_is_plain", lambda _: True)
        content = archive.write({name: b"1"})
    assert archive.read(content) == ({}, [(archive.STRUCTURE, "byte 30 is not what it must be")])


def test_member_that_is_a_folder_of_others_is_neither_written_nor_read(monkeypatch):
    members = {"a": b"1", "a/b": b"2"}
    with pytest.raises(ValueError, match="not the name of a member: 'a'"):
        archive.write(members)
    with monkeypatch.context() as patch:
        patch.setattr(archive, "_both", lambda _: [])
        content = archive.write(members)
    assert archive.read(content)[1] == [("a", "it is a member and a folder of members")]


def test_members_that_are_there_twice_or_not_sorted_are_refused(monkeypatch):
    monkeypatch.setattr(archive, "_ordered", lambda _: ["b", "a"])
    assert archive.read(archive.write({"a": b"1", "b": b"2"}))[1]
    monkeypatch.setattr(archive, "_ordered", lambda _: ["a", "a"])
    assert archive.read(archive.write({"a": b"1"}))[1]


def test_more_members_than_an_archive_may_have_are_refused(monkeypatch):
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    with pytest.raises(ValueError, match="4 members"):
        archive.write(MEMBERS)


def test_any_bytes_are_read_without_an_error():
    draw = random.Random(7)
    content = archive.write(MEMBERS)
    for _ in range(300):
        mixed = bytearray(content)
        for _ in range(draw.randrange(1, 30)):
            mixed[draw.randrange(len(mixed))] = draw.randrange(256)
        archive.read(bytes(mixed))
