"""Pseudonyms: identities are replaced before anything is written, and never enter the lake.

A pseudonym is HMAC-SHA-256(key, value), its first 128 bits in hexadecimal behind `p_`. The same
person has the same pseudonym in every source of a deployment; without the key nobody gets back.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Collection
from functools import lru_cache
from operator import is_
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken

from labelhouse.errors import SettingError

if TYPE_CHECKING:  # sources are read while DAG files are parsed, and need none of pydantic
    from labelhouse.settings import Settings

#: What parts a name from a host, in texts and in URIs. Each side is then matched once: linear in the text's length.
_AT = re.compile(r"(@|%40)")
_HOST = re.compile(r"(?:[\w-]{1,63}\.){1,8}(?:xn--[\w-]{1,59}|\w{1,63})")
_NAME_FROM_BEHIND = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+")
#: Legal in a name, but where they stand before one they mostly belong to a path, a query or a quotation.
_NAME_BEGINS_BEHIND = re.compile(r"[/=&?]")
_QUOTES = "!#$'*^`{|}~"
#: The "@" as JSON inside JSON may spell it.
_ESCAPED_AT = re.compile(r"\\++u0040")
#: From this length on an identity is found inside longer strings too; a shorter one would be found everywhere.
_SEARCHED_LENGTH = 8


class Identities:
    """Replaces identities with pseudonyms and encrypts what cannot be parsed (and so not cleaned)."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        derived = hashlib.sha256(b"labelhouse quarantine\0" + self._key).digest()
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))
        #: The pseudonym of one identity (a Cognito or OIDC `sub`, an e-mail address, a name). Few people do much.
        self.pseudonym = lru_cache(2**16)(self._pseudonym)

    def _pseudonym(self, value: str) -> str:
        return "p_" + hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]

    def clean_text(self, text: str, known: Collection[str] = ()) -> str:
        """`text` with every e-mail address, and every one of the `known` identities, replaced by its pseudonym.

        A known identity is replaced where it is the whole text, and from eight characters on inside it.
        """
        for identity in known:
            if text == identity:
                return self.pseudonym(identity)
            if len(identity) >= _SEARCHED_LENGTH and identity in text:
                text = text.replace(identity, self.pseudonym(identity))
        if "u0040" in text:
            text = _ESCAPED_AT.sub("@", text)
        if "@" not in text and "%40" not in text:
            return text
        pieces = _AT.split(text)
        for at in range(1, len(pieces), 2):
            before = _NAME_FROM_BEHIND.match(pieces[at - 1][::-1])
            host = _HOST.match(pieces[at + 1])
            if before and host:
                name = _NAME_BEGINS_BEHIND.split(before.group()[::-1])[-1] or before.group()[::-1]
                name = name.lstrip(_QUOTES) or name
                pieces[at - 1] = pieces[at - 1][: -len(name)]
                pieces[at] = self.pseudonym(f"{name}@{host.group()}".lower())
                pieces[at + 1] = pieces[at + 1][host.end() :]
        return "".join(pieces)

    def clean(self, value: Any, known: Collection[str] = ()) -> Any:
        """A JSON value with the identities in its strings and keys replaced as in `clean_text`, at any depth."""
        if isinstance(value, str):
            return self.clean_text(value, known)
        if isinstance(value, list):
            return same_if_unchanged(value, [self.clean(item, known) for item in value])
        if isinstance(value, dict):
            cleaned = {self.clean_text(key, known): self.clean(item, known) for key, item in value.items()}
            return same_if_unchanged(value, cleaned)
        return value

    def encrypt(self, data: bytes) -> bytes:
        """`data` as a Fernet token that only a holder of the key can read."""
        return self._fernet.encrypt(data)

    def decrypt(self, token: bytes) -> bytes:
        """The bytes behind `encrypt`.

        Raises:
            SettingError: they were encrypted with another key.
        """
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            where = "LABELHOUSE_PSEUDONYM_KEY"
            raise SettingError("is not the key that this was encrypted with", where=where) from None


def same_if_unchanged(value: Any, rebuilt: Any) -> Any:
    """`value` itself where `rebuilt` holds the very same items: what is unchanged is not held in memory twice."""
    if isinstance(value, dict):
        is_same = all(map(is_, value, rebuilt)) and all(map(is_, value.values(), rebuilt.values()))
    else:
        is_same = all(map(is_, value, rebuilt))
    return value if is_same and len(value) == len(rebuilt) else rebuilt


def load_identities(settings: Settings) -> Identities:
    """The deployment's pseudonyms: its key from the settings, else (where allowed) the lake's own.

    Raises:
        SettingError: no key is set and the lake may not make its own.
    """
    if settings.pseudonym_key is not None:
        return Identities(settings.pseudonym_key.get_secret_value())
    if not settings.own_pseudonym_key:
        raise SettingError(
            "no key for the pseudonyms of workers is set",
            where="LABELHOUSE_PSEUDONYM_KEY",
            allowed="32 characters or more, from the secrets backend; "
            "LABELHOUSE_OWN_PSEUDONYM_KEY=true lets a trial lake make its own",
        )
    if not isinstance(settings.lake, Path):
        raise SettingError(
            "no key for the pseudonyms of workers is set",
            where="LABELHOUSE_PSEUDONYM_KEY",
            allowed="32 characters or more: only a lake in a local folder makes its own",
        )
    return Identities(_own_key(settings.lake / "private" / "pseudonym.key"))


def _own_key(path: Path) -> str:
    """The key in `path`, made on first use and readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    made = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    if not path.exists():
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(made, path)  # the first of several processes wins, and nobody reads half a key
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return path.read_text()
