"""Who called AWS, and from where, with as little of the person as an audit needs."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from labelhouse.identities import same_if_unchanged

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: What stands before a person's name in an ARN: of an IAM user (behind its path), of a federated user, of a role's
#: session, of a profile in SageMaker Studio.
_KEPT = (
    r'(?P<kept>arn:[\w-]+:(?:(?:iam|sts)::[^:"\s]*:(?:user/(?:[^"\s]*/)?|federated-user/|assumed-role/[^/"\s]*/)'
    r'|sagemaker:[^:"\s]*:[^:"\s]*:user-profile/[^/"\s]*/))'
)
_NAMED = re.compile(rf"{_KEPT}(?P<name>.+)", re.DOTALL)
#: The same anywhere in a text, where a name ends with the letters that AWS allows in it.
_NAMED_IN_TEXT = re.compile(rf"{_KEPT}(?P<name>[\w+=,.@-]*[\w+=@-])")
#: Sessions that services and machines name: SageMaker's jobs, EC2 instances.
_SESSION_OF_A_MACHINE = re.compile(r"SageMaker|i-[0-9a-f]{8,17}")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?P<network>{_OCTET}\.{_OCTET}\.{_OCTET})\.{_OCTET}")
_KEPT_BITS = 48
#: "AWS Internal", "sagemaker.amazonaws.com": what CloudTrail writes instead of an address.
_SERVICE = re.compile(r"[A-Za-z][A-Za-z0-9 .-]*")
#: Keys whose texts name a person, wherever they stand in a record.
_NAME_KEYS = frozenset(
    {"userName", "username", "userProfileName", "sub", "email", "phoneNumber", "phone_number", "principalId"}
)
_KEYS = "|".join(sorted(_NAME_KEYS))
_NAME_IN_TEXT = re.compile(rf'(?P<before>"(?P<key>{_KEYS})"\s*:\s*")(?P<name>[^"]+)(?=")')
#: Cognito's attributes: `{"name": "sub", "value": "…"}`.
_NAME_IN_PAIR = re.compile(rf'(?P<before>"name"\s*:\s*"(?P<key>{_KEYS})"\s*,\s*"value"\s*:\s*")(?P<name>[^"]+)(?=")')
_PERSONAL = re.compile(rf'"(?:{_KEYS}|userIdentity)"')
#: What a pattern cannot see to: several names under a key, or an identity with all its parts.
_INTRICATE = re.compile(rf'"(?:{_KEYS})"\s*:\s*\[|"userIdentity"')
#: What AWS writes in the place of a name: no person's.
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
#: What is kept of a caller's identity; access keys and session details are not.
_IDENTITY_KEYS = frozenset({"type", "arn", "accountId", "invokedBy"})


#: Few callers make many calls.
_CACHE = lru_cache(2**16)


class Callers:
    """Replaces the names of callers with pseudonyms and cuts their addresses; each distinct text once."""

    def __init__(self, identities: Identities) -> None:
        self._identities = identities
        self.principal = _CACHE(self._principal)
        self.network = _CACHE(self._network)
        self.text = _CACHE(identities.clean_text)

    def _principal(self, arn: str) -> str:
        """The ARN with the name of a user or session as a pseudonym; roles and machines keep theirs."""
        found = _NAMED.fullmatch(arn)
        if not found:
            return self.message(arn)
        # cleaned as well: role names and paths are whatever people chose
        return self._identities.clean_text(found["kept"]) + self._session(found["name"])

    def _session(self, name: str) -> str:
        return name if _SESSION_OF_A_MACHINE.fullmatch(name) else self._identities.pseudonym(name.lower())

    def message(self, text: str) -> str:
        """A text of AWS's, such as "User: arn:… is not authorized", without names."""
        if "arn:" in text:
            text = _NAMED_IN_TEXT.sub(lambda found: found["kept"] + self._session(found["name"]), text)
        return self._identities.clean_text(text)

    def _network(self, address: str) -> str:
        """The /24 or /48 network of an address; the name of a service stays, as CloudTrail writes it instead."""
        if common := _IPV4.fullmatch(address):
            return f"{common['network']}.0/24"  # ten times as fast, and there may be as many as calls
        try:
            found = ip_address(address)
        except ValueError:
            # anything else may hold an address
            return address if _SERVICE.fullmatch(address) and not _IPV4.search(address) else ""
        return str(ip_network(f"{found.compressed.partition('%')[0]}/{_KEPT_BITS}", strict=False))

    def json(self, text: str) -> str | None:
        """A JSON text without escapes as `record` would leave it, thirty times as fast; None where it has to do it."""
        is_personal = _PERSONAL.search(text)
        if is_personal and _INTRICATE.search(text):
            return None
        names: set[str] = set()

        def pseudonym(found: re.Match[str]) -> str:
            return found["before"] + self._pseudonym(found["key"], found["name"], names)

        def principal(found: re.Match[str]) -> str:
            return found["kept"] + self._known_session(found["name"], names)

        text = _NAMED_IN_TEXT.sub(principal, text)
        if is_personal:
            text = _NAME_IN_PAIR.sub(pseudonym, _NAME_IN_TEXT.sub(pseudonym, text))
        for name in names:
            text = text.replace(f'"{name}"', f'"{self._identities.pseudonym(name)}"')
        return self._identities.clean_text(text, sorted(names, key=len, reverse=True))

    def value(self, key: str, text: str) -> str:
        """One text of a record, from under that key."""
        return self._identities.clean_text(self._without_names(key, text, set()))

    def record(self, record: dict[str, Any]) -> dict[str, Any]:
        """A whole record without its persons: names as pseudonyms, addresses cut, access keys left out."""
        names: set[str] = set()
        cleaned = {key: self._without_names(key, value, names) for key, value in record.items()}
        if isinstance(address := record.get("sourceIPAddress"), str):
            cleaned["sourceIPAddress"] = self.network(address)
        return self._identities.clean(cleaned, known=sorted(names, key=len, reverse=True))  # type: ignore[no-any-return]

    def _without_names(self, key: str, value: Any, names: set[str]) -> Any:
        if key == "userIdentity" and not isinstance(value, list):  # as text it tells just as much
            value = (
                {name: item for name, item in value.items() if name in _IDENTITY_KEYS}
                if isinstance(value, dict)
                else None
            )
        if isinstance(value, dict):
            if isinstance(of := value.get("name"), str) and of in _NAME_KEYS and "value" in value:
                value = value | {"value": self._without_names(of, value["value"], names)}
            rebuilt = {name: self._without_names(name, item, names) for name, item in value.items()}
            return same_if_unchanged(value, rebuilt)
        if isinstance(value, list):
            return same_if_unchanged(value, [self._without_names(key, item, names) for item in value])
        if not isinstance(value, str) or not value:
            return value
        if key in _NAME_KEYS:
            return self._pseudonym(key, value, names)
        return _NAMED_IN_TEXT.sub(lambda found: found["kept"] + self._known_session(found["name"], names), value)

    def _known_session(self, name: str, names: set[str]) -> str:
        cleaned = self._session(name)
        if cleaned != name:
            names.add(name)
        return cleaned

    def _pseudonym(self, key: str, name: str, names: set[str]) -> str:
        if name == _HIDDEN:
            return name
        names.add(name)
        return self._identities.pseudonym(name if key == "sub" else name.lower())
