"""Encodings: what a file's bytes show, and where; read as Western European only what looks like that."""

# ruff: noqa: RUF001  letters of other alphabets are what is tested

import gzip

import pytest

from evergreen.config.contract.sources import Layout
from evergreen.data.ingest import charsets

WESTERN = {
    "german": "Straße,Köln,Müller,größer",
    "french": "forêt,Élodie,à la carte,où,cœur,l’été",
    "spanish": "niño,Málaga,¿qué?,año,Nº 7",
    "nordic": "Ærø,Malmö,Århus,smørrebrød",
    "signs": "21 °C,5 µg/m³,£5,10 €,±2,“word”,½ l",
    "dashes": "a – b,don’t,1 × 2,© 2024",
}
OTHERS = {
    "cp1251": "Москва,Киев",
    "koi8-r": "Москва,Киев",
    "cp1253": "Αθήνα,Πάτρα",
    "shift_jis": "東京,大阪",
    "gb18030": "北京,上海",
    "cp850": "Köln,Málaga,Müller",
    "mac-roman": "Köln,Málaga,Müller",
    "cp1250": "Łódź,Kraków,Wałbrzych",
}


def look(item, content: bytes):
    return charsets.look(item("a.csv", content))


@pytest.mark.parametrize("text", WESTERN.values(), ids=WESTERN)
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_european_text_is_known_by_its_bytes(item, text, encoding):
    raw = f"id,name\n1,plain\n2,{text}\n".encode(encoding, "ignore")
    seen = look(item, raw)
    first = next(at for at, byte in enumerate(raw) if byte > 127)
    assert (seen.guess, seen.is_utf8, seen.is_ascii) == ("cp1252", False, False)
    assert seen.place == f"byte 0x{raw[first]:02X} in line 3"


@pytest.mark.parametrize("encoding", OTHERS)
def test_other_text_is_not_taken_for_western_european(item, encoding):
    seen = look(item, f"id,name\n1,{OTHERS[encoding]}\n".encode(encoding))
    assert (seen.guess, seen.is_utf8, seen.line) == (None, False, 2)


@pytest.mark.parametrize("mark", ["", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", ["a,b\n1,2\n", "a,b\nKöln,東京\n", "a\n" + "😀" * 50])
def test_utf8_and_what_a_mark_names_is_as_it_should_be(item, mark, text):
    seen = look(item, text.encode(mark or "utf-8"))
    assert (seen.is_utf8, seen.guess) == (True, "utf-8")


def test_damage_in_text_that_is_utf8_is_no_other_encoding(item):
    seen = look(item, "a\nKöln\nMálaga\n".encode() + b"caf\xe9\n")
    assert (seen.is_utf8, seen.guess, seen.place) == (False, "utf-8", "byte 0xE9 in line 4")


@pytest.mark.parametrize("block", [1, 3, 8, 1000])
def test_lines_and_characters_are_counted_across_blocks_and_in_compressed_files(item, monkeypatch, block):
    monkeypatch.setattr(charsets, "READ_BYTES", block)
    content = b"a,b\n" * 40 + "Köln\n".encode("cp1252") + b"x\n" * 9
    assert charsets.look(item("a.csv", content)).place == "byte 0xF6 in line 41"
    assert charsets.look(item("a.csv.gz", gzip.compress(content))).place == "byte 0xF6 in line 41"
    assert charsets.look(item("b.csv", "Köln 東京\n".encode() * 20)).is_utf8


def test_lone_stray_byte_is_damage_and_not_an_encoding(item):
    assert look(item, b"a,b\n1,2\n\xff,3\n").guess is None


@pytest.mark.parametrize(
    ("named", "content", "read_as"),
    [
        (None, b"a\n\xe9\n", "utf-8"),
        ("cp1252", "a\né\n".encode("cp1252"), "cp1252"),
        ("cp1252", b"a\n1\n", "cp1252"),
        ("latin-1", "a\né\n".encode(), "utf-8"),
        ("cp1251", "a\nМосква\n".encode(), "utf-8"),
        ("shift_jis", "a\né\n".encode(), "shift_jis"),
        ("utf-16-le", b"a\n1\n", "utf-16-le"),
    ],
)
def test_file_is_read_as_is_said_unless_it_is_utf8_and_single_bytes_are_named(item, named, content, read_as):
    assert charsets.encoding_of(item("a.csv", content), Layout(encoding=named)) == read_as
