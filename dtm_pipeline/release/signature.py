"""An optional Ed25519 signature over the manifest, which has the hash of every file: who made a release, beside what it is."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from dtm_pipeline.release.pointer import SIGNATURE, Release

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY = "DTM_SIGN_KEY"
"""Environment: the file of the private key; without it nothing is signed."""


class SignatureError(Exception):
    """A key that can't be used, or a release that is not signed by it; the sentence says what to do."""


def signing_key() -> Ed25519PrivateKey | None:
    """The private key that the environment names; None where it names none.

    Raises:
        SignatureError: it can't be read, is of another sort, or others than its owner can read it.
    """
    told = os.environ.get(KEY, "").strip()
    if not told:
        return None
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    file = Path(told)
    try:
        if file.stat().st_mode & 0o077:
            raise SignatureError(
                f"{file}: others than its owner can read this private key; chmod 600 it, or make a new one"
            )
        key = load_pem_private_key(file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise SignatureError(
            f"{KEY}={file}: no private key can be read there ({type(error).__name__}); `dtm releases key FILE` makes one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SignatureError(f"{file}: is no Ed25519 key; `dtm releases key FILE` makes one")
    return key


def make_key(file: Path) -> Path:
    """Write a new private key, for its owner alone, and its public key beside it.

    Returns:
        The file of the public key, which readers verify with.

    Raises:
        SignatureError: a file of that name is there already, or none can be written there.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SignatureError(f"{file}: is there already; name another file") from error
    except OSError as error:
        raise SignatureError(f"{file}: can't be written ({error.strerror}); name another file") from error
    with os.fdopen(handle, "wb") as out:
        out.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = file.with_name(f"{file.name}.pub")
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return public


def fingerprint(key: Ed25519PublicKey) -> str:
    """A public key as 64 characters, to compare with what the publisher says of it."""
    return key.public_bytes_raw().hex()


def sign(folder: Path, key: Ed25519PrivateKey) -> None:
    """Write the signature of a manifest beside it."""
    (folder / SIGNATURE).write_text(key.sign((folder / "manifest.json").read_bytes()).hex() + "\n", encoding="ascii")


def signed_by(release: Release, public: Path | None) -> str | None:
    """The fingerprint of the key that a release is signed with; None where it is not signed and no key was named.

    Args:
        public: the publisher's public key, as a reader has it; None believes the one that the manifest names.

    Raises:
        SignatureError: it is not signed, not by this key, or the signature is not that of its manifest.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    file, named = release.folder / SIGNATURE, release.manifest().get("signed_by")
    if not file.is_file() and public is None and named is None:
        return None
    if not file.is_file():
        raise SignatureError(f"{SIGNATURE}: is not in the release: it is not signed, or the signature was taken out")
    try:
        if public is not None:
            key = load_pem_public_key(public.read_bytes())
            if not isinstance(key, Ed25519PublicKey):
                raise SignatureError(f"{public}: is no Ed25519 public key")
        else:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(str(named)))
        key.verify(
            bytes.fromhex(file.read_text(encoding="ascii").strip()), (release.folder / "manifest.json").read_bytes()
        )
    except OSError as error:
        raise SignatureError(f"{public}: no key can be read there") from error
    except (ValueError, InvalidSignature) as error:
        raise SignatureError(f"{SIGNATURE}: is not the signature of this manifest by that key") from error
    return fingerprint(key)
