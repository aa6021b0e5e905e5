"""What the URI of a place says: the parts that ARNs are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_API = re.compile(r"(?P<scheme>[a-z-]+)://(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})(?::(?P<account>[0-9]{12}))?")
#: Partitions by how the names of their regions begin.
_PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
#: In ARNs and conditions these would stand for other characters.
_WILD = re.compile(r"[*?$]")


@dataclass(frozen=True, slots=True)
class Target:
    """What a place names; what it does not is `*` in ARNs.

    Args:
        scheme: `file` for a folder of this machine.
        folder: prefix of the keys, with its slash; empty for a whole bucket.
        group: of logs.
        pool: of users.
    """

    scheme: str
    region: str | None = None
    account: str | None = None
    bucket: str = ""
    folder: str = ""
    group: str = ""
    pool: str = ""
    parts: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        names = {name: _literal(getattr(self, name)) for name in ("bucket", "folder", "group", "pool")}
        self.parts.update(names, region=self.region or "*", account=self.account or "*", partition=self._partition)

    @property
    def _partition(self) -> str:
        region = self.region or ""
        return next((name for start, name in _PARTITIONS.items() if region.startswith(start)), "aws")

    def arn(self, resource: str) -> str:
        """An ARN whose parts are those of this place."""
        return resource.format_map(self.parts)


def target_of(uri: str, account: str | None = None, region: str | None = None) -> Target:
    """What a place names.

    Args:
        account: of whoever reads it, for places that name none.
        region: of whoever reads it, for places that name none.
    """
    if uri.startswith("s3://"):
        bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        folder = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
        return Target("s3", region, account, bucket=bucket, folder=folder)
    found = _API.match(uri)
    if not found:
        return Target("file")
    rest = uri[found.end() :].rstrip("/")
    return Target(
        found["scheme"],
        found["region"],
        found["account"] or account,
        group=rest if found["scheme"] == "logs" else "",
        pool=rest.strip("/") if found["scheme"] == "cognito-idp" else "",
    )


def _literal(text: str) -> str:
    return _WILD.sub(lambda found: f"${{{found[0]}}}", text)
