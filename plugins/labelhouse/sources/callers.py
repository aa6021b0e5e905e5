"""Who called AWS, and from where, with as little of the person as an audit needs."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Any

from labelhouse.identities import same_if_unchanged

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: A person's name in an ARN: of an IAM user (behind its path), of a federated user, of a role's session.
_NAMED = re.compile(
    r'(?P<kept>arn:[\w-]+:(?:iam|sts)::[^:"]*:(?:user/(?:[^"]*/)?|federated-user/|assumed-role/[^/"]*/))'
    r'(?P<name>[^/"]+)'
)
#: Sessions that services and machines name: SageMaker's jobs, EC2 instances.
_SESSION_OF_A_MACHINE = re.compile(r"SageMaker|i-[0-9a-f]{8,17}")
_OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(?P<network>{_OCTET}\.{_OCTET}\.{_OCTET})\.{_OCTET}")
_KEPT_BITS = 48
#: The same as a JSON text without escapes has it.
_NAMED_IN_TEXT = re.compile(rf'(?<="){_NAMED.pattern}(?=")')
#: Keys whose texts name a person, wherever they stand in a record.
_NAME_KEYS = frozenset({"userName", "username", "sub", "email", "phoneNumber", "phone_number", "principalId"})
_NAME_IN_TEXT = re.compile(rf'(?P<key>"(?:{"|".join(sorted(_NAME_KEYS))})":")(?P<name>[^"]+)(?=")')
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
        if not found or _SESSION_OF_A_MACHINE.fullmatch(found["name"]):
            return self._identities.clean_text(arn)
        # cleaned as well: role names and paths are whatever people chose
        return self._identities.clean_text(found["kept"]) + self._identities.pseudonym(found["name"].lower())

    def _network(self, address: str) -> str:
        """The /24 or /48 network of an address; the name of a service stays, as CloudTrail writes it instead."""
        if common := _IPV4.fullmatch(address):
            return f"{common['network']}.0/24"  # ten times as fast, and there may be as many as calls
        try:
            found = ip_address(address)
        except ValueError:
            return self._identities.clean_text(address)
        return str(ip_network(f"{found.compressed.partition('%')[0]}/{_KEPT_BITS}", strict=False))

    def json(self, text: str) -> str:
        """A compact JSON text without escapes as `record` would leave it, thirty times as fast."""
        names: set[str] = set()

        def pseudonym(found: re.Match[str]) -> str:
            names.add(found["name"])
            return found["key"] + self._pseudonym(found["key"][1:-3], found["name"])

        def principal(found: re.Match[str]) -> str:
            if not _SESSION_OF_A_MACHINE.fullmatch(found["name"]):
                names.add(found["name"])
            return self.principal(found[0])

        text = _NAME_IN_TEXT.sub(pseudonym, _NAMED_IN_TEXT.sub(principal, text))
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
        if key == "userIdentity" and isinstance(value, dict):
            value = {name: item for name, item in value.items() if name in _IDENTITY_KEYS}
        if isinstance(value, dict):
            rebuilt = {name: self._without_names(name, item, names) for name, item in value.items()}
            return same_if_unchanged(value, rebuilt)
        if isinstance(value, list):
            return same_if_unchanged(value, [self._without_names(key, item, names) for item in value])
        if not isinstance(value, str) or not value:
            return value
        if key in _NAME_KEYS:
            names.add(value)
            return self._pseudonym(key, value)
        if value.startswith("arn:") and (found := _NAMED.fullmatch(value)):
            if not _SESSION_OF_A_MACHINE.fullmatch(found["name"]):
                names.add(found["name"])
            return self.principal(value)
        return value

    def _pseudonym(self, key: str, name: str) -> str:
        return self._identities.pseudonym(name if key == "sub" else name.lower())
