"""Keys as PEM files, in the form that openssl writes them in."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PEM = serialization.Encoding.PEM


def pair(private: Path, public: Path, *, elliptic: bool = False) -> tuple[Path, Path]:
    """Write a key, of Ed25519 or of an elliptic curve, and its public half, and return their files."""
    key = generate_private_key(SECP256R1()) if elliptic else Ed25519PrivateKey.generate()
    private.write_bytes(_text(key))
    public.write_bytes(key.public_key().public_bytes(PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def encrypted(private: Path) -> bytes:
    """Return the content of a key's file, locked with a password."""
    key = serialization.load_pem_private_key(private.read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return _text(key, serialization.BestAvailableEncryption(b"word"))


def _text(
    key: Ed25519PrivateKey | EllipticCurvePrivateKey,
    lock: serialization.KeySerializationEncryption = serialization.NoEncryption(),  # noqa: B008  a constant
) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, lock)
