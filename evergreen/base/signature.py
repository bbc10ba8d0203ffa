"""Ed25519 signatures of documents: by whom bytes were written, beside what digests say of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evergreen.base.errors import ConfigError, IntegrityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

N_BYTES = 64
MAX_KEY_BYTES = 10_000


def sign(content: bytes, key: Path) -> bytes:
    """Return the signature of bytes, 64 bytes of Ed25519, by the private key in a PEM file.

    It says nothing of what the bytes are for: a document that is signed names its own kind, or a signature of one kind
    would do for another. ``openssl pkeyutl -verify -rawin`` checks it too.

    Raises
    ------
    ConfigError if there is no such key. What the file holds is never shown.
    """
    return _private(key).sign(content)


def verify(content: bytes, signature: bytes, keys: Path, *, where: str = "") -> str:
    """Return the name of the trusted key that bytes were signed with: its file's, without ``.pem``.

    Parameters
    ----------
    keys : a folder of public keys, each a ``.pem`` file, or one such file. Other files in the folder are left alone.
    where : what the bytes are, for the error.

    Raises
    ------
    ConfigError if there is no key, or a file is not one. IntegrityError if none of them signed these bytes.
    """
    from cryptography.exceptions import InvalidSignature

    trusted = _public(keys)
    for name, key in trusted.items():
        try:
            key.verify(signature, content)
        except InvalidSignature:
            continue
        return name
    raise IntegrityError(
        "INT017",
        "the signature is of none of the trusted keys" if signature else "it is not signed",
        where=where,
        next_step=f"Do not use it. Trusted: {', '.join(trusted)}. If it was signed with another key that you trust, "
        f"put its public key into {keys}.",
    )


def check_key(key: Path, *, outside: Path) -> None:
    """Check that a private key can be used, and lies outside a folder: in a repository it would be committed one day.

    Raises
    ------
    ConfigError if not.
    """
    if key.resolve().is_relative_to(outside.resolve()):
        raise _unusable(key, "the signing key lies in the repository", "Move it out, and name its new place.")
    _private(key)


def _private(path: Path) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    made_by = "Make one: openssl genpkey -algorithm ed25519 -out signing.pem"
    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError) as error:  # TypeError: it is encrypted
        what = "the signing key is encrypted" if isinstance(error, TypeError) else "not a private key in PEM"
        raise _unusable(path, what, made_by) from None  # its cause may show what the file holds
    if not isinstance(key, Ed25519PrivateKey):
        raise _unusable(path, "the private key is not one of Ed25519", made_by)
    return key


def _public(keys: Path) -> Mapping[str, "Ed25519PublicKey"]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    made_by = "Take the public half: openssl pkey -in signing.pem -pubout -out trusted/name.pem"
    found: dict[str, Ed25519PublicKey] = {}
    for path in sorted(keys.glob("*.pem")) if keys.is_dir() else [keys]:
        try:
            key = load_pem_public_key(_read(path))
        except ValueError:
            raise _unusable(path, "not a public key in PEM", made_by) from None  # it may be the private one
        if not isinstance(key, Ed25519PublicKey):
            raise _unusable(path, "the public key is not one of Ed25519", made_by)
        found[path.stem] = key
    if not found:
        raise _unusable(keys, "no trusted key: the folder holds no .pem file", made_by)
    return found


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_KEY_BYTES)
    except OSError as error:
        raise _unusable(path, f"the key cannot be read: {error.strerror}", "Name a PEM file.") from error


def _unusable(path: Path, what: str, next_step: str) -> ConfigError:
    return ConfigError("CFG060", what, where=str(path), next_step=next_step)
