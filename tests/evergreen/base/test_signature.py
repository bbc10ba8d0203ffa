"""Signatures: openssl is the other implementation; what is changed, unsigned or of another key is refused."""

import shutil
import subprocess
from pathlib import Path

import keys
import pytest

from evergreen.base.errors import ConfigError, IntegrityError
from evergreen.base.signature import N_BYTES, check_key, sign, verify

OPENSSL = shutil.which("openssl")
CONTENT = b'{"kind": "package"}'


def openssl(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(OPENSSL), *map(str, arguments)], capture_output=True, check=False)


def pair(folder: Path, name: str, *, elliptic: bool = False) -> tuple[Path, Path]:
    """Make a private key and its public half, each in a folder of its own."""
    key, public = folder / "private" / f"{name}.pem", folder / "trusted" / f"{name}.pem"
    for path in (key, public):
        path.parent.mkdir(exist_ok=True)
    return keys.pair(key, public, elliptic=elliptic)


def test_signature_is_verified_by_the_key_that_made_it_among_others(tmp_path):
    pair(tmp_path, "another")
    key, public = pair(tmp_path, "team")

    signature = sign(CONTENT, key)

    assert len(signature) == N_BYTES
    assert verify(CONTENT, signature, public.parent) == "team"
    assert verify(CONTENT, signature, public) == "team"


@pytest.mark.skipif(OPENSSL is None, reason="openssl, which is the other implementation, is not here")
def test_openssl_makes_keys_that_sign_and_verifies_what_they_signed(tmp_path):
    key, public = tmp_path / "team.pem", tmp_path / "public.pem"
    assert openssl("genpkey", "-algorithm", "ed25519", "-out", key).returncode == 0
    assert openssl("pkey", "-in", key, "-pubout", "-out", public).returncode == 0
    signature = sign(CONTENT, key)
    assert verify(CONTENT, signature, public) == "public"
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "content.sig").write_bytes(signature)
    asked = ("-rawin", "-in", tmp_path / "content", "-sigfile", tmp_path / "content.sig")
    assert openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, *asked).returncode == 0


@pytest.mark.parametrize("place", range(0, N_BYTES, 7))
def test_one_flipped_bit_of_the_signature_is_refused(tmp_path, place):
    key, public = pair(tmp_path, "team")
    signature = bytearray(sign(CONTENT, key))
    signature[place] ^= 1

    with pytest.raises(IntegrityError) as caught:
        verify(CONTENT, bytes(signature), public, where="here")

    assert (caught.value.code, caught.value.where, caught.value.exit_code) == ("INT017", "here", 7)


@pytest.mark.parametrize("signature", [b"", b"x", b"\0" * N_BYTES, b"\0" * 1000])
def test_what_is_no_signature_is_refused(tmp_path, signature):
    _, public = pair(tmp_path, "team")
    with pytest.raises(IntegrityError, match="INT017"):
        verify(CONTENT, signature, public)


def test_other_bytes_and_another_key_are_refused(tmp_path):
    key, public = pair(tmp_path, "team")
    stranger, _ = pair(tmp_path / "private", "stranger")

    with pytest.raises(IntegrityError, match="none of the trusted keys"):
        verify(CONTENT + b" ", sign(CONTENT, key), public)
    with pytest.raises(IntegrityError, match="none of the trusted keys"):
        verify(CONTENT, sign(CONTENT, stranger), public.parent)


def test_keys_that_cannot_be_used_are_named_and_what_they_hold_is_not_shown(tmp_path):
    key, public = pair(tmp_path, "team")
    elliptic, of_elliptic = pair(tmp_path, "elliptic", elliptic=True)
    (tmp_path / "empty").mkdir()
    encrypted = tmp_path / "encrypted.pem"
    encrypted.write_bytes(keys.encrypted(key))
    secret = key.read_text().splitlines()[1]
    (tmp_path / "broken.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{secret[:-9]}\n-----END PRIVATE KEY-----\n")
    refused = [
        (lambda path: sign(CONTENT, path), path)
        for path in (public, elliptic, encrypted, tmp_path / "broken.pem", tmp_path / "nowhere", tmp_path)
    ]
    refused += [
        (lambda path: verify(CONTENT, b"", path), path)
        for path in (key, of_elliptic, tmp_path / "empty", tmp_path / "nowhere.pem")
    ]

    for ask, path in refused:
        with pytest.raises(ConfigError) as caught:
            ask(path)
        assert (caught.value.code, caught.value.where, caught.value.exit_code) == ("CFG060", str(path), 2)
        assert secret[:20] not in caught.value.block()
        assert caught.value.next_step


def test_key_in_the_repository_is_refused(tmp_path):
    key, _ = pair(tmp_path, "team")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "link.pem").symlink_to(key)

    check_key(key, outside=tmp_path / "project")
    with pytest.raises(ConfigError, match="in the repository"):
        check_key(key, outside=tmp_path)
