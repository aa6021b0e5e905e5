"""What can be wrong with a trail, with what is to be found, by us and by `aws cloudtrail validate-logs`.

The latter's counts were recorded with awscli 1.46.3 on the very same files: valid and invalid digests (backfill digests
among them), valid and invalid log files. It does not look at the log files of an invalid digest, takes a cut off gzip
file for whole where only its checksum is lost, needs the signature in the metadata, and stops at another bucket.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from trail import Trail, packed, sha256


class Fault(NamedTuple):
    """One thing done to a trail of four hours with three log files each.

    Args:
        commit: does it.
        found: of every digest that is not all verified: its hour, and of its files that are not verified the kind,
            the status, and of log files the index in the trail.
        counts: validate-logs' valid and invalid digests, valid and invalid log files.
        ours: the same of our rows, where they differ on purpose.
    """

    commit: Callable[[Trail], None]
    found: dict[int, list[str]]
    counts: tuple[int, int, int, int]
    ours: tuple[int, int, int, int] | None = None


def four_hours() -> Trail:
    trail = Trail()
    for _ in range(4):
        trail.hour()
    return trail


def _nothing(trail: Trail) -> None:
    pass


def _change_log(trail: Trail) -> None:
    trail.change(trail.logs[4], Records=[])


def _append_to_log(trail: Trail) -> None:
    trail.files[trail.logs[4]] += gzip.compress(b'{"Records": []}')


def _append_garbage_to_log(trail: Trail) -> None:
    trail.files[trail.logs[4]] += b"garbage"


def _unpack_log(trail: Trail) -> None:
    trail.files[trail.logs[4]] = gzip.decompress(trail.files[trail.logs[4]])


def _cut_log(trail: Trail) -> None:
    trail.files[trail.logs[4]] = trail.files[trail.logs[4]][:-9]


def _empty_log(trail: Trail) -> None:
    trail.files[trail.logs[4]] = b""


def _delete_log(trail: Trail) -> None:
    trail.delete(trail.logs[4])


def _add_log(trail: Trail) -> None:
    trail.log(trail.ended_at - timedelta(hours=2, minutes=30), is_digested=False)


def _add_log_at_the_end_of_an_hour(trail: Trail) -> None:
    trail.log(trail.ended_at - timedelta(hours=2, minutes=5), is_digested=False)


def _unname_log(trail: Trail) -> None:
    key = trail.digests[1]
    trail.change(key, logFiles=trail.document(key)["logFiles"][1:])
    trail.delete(trail.logs[3])


def _unname_log_and_mend_the_chain(trail: Trail) -> None:
    _unname_log(trail)
    trail.change(trail.digests[2], previousDigestHashValue=sha256(trail.files[trail.digests[1]]))


def _sign_with_another_key(trail: Trail) -> None:
    trail.sign(trail.digests[1], "somebody's")


def _swap_signature(trail: Trail) -> None:
    trail.metadata[trail.digests[1]]["signature"] = trail.metadata[trail.digests[2]]["signature"]


def _garble_signature(trail: Trail) -> None:
    trail.metadata[trail.digests[1]]["signature"] = "not hexadecimal"


def _lose_signatures(trail: Trail) -> None:
    for key in trail.digests:
        trail.metadata[key] = {}


def _delete_digest(trail: Trail) -> None:
    trail.delete(trail.digests[1])


def _delete_two_digests(trail: Trail) -> None:
    trail.delete(trail.digests[1])
    trail.delete(trail.digests[2])


def _put_another_digest_in_its_place(trail: Trail) -> None:
    trail.files[trail.digests[1]] = trail.files[trail.digests[2]]
    trail.metadata[trail.digests[1]] = trail.metadata[trail.digests[2]]


def _damage_digest(trail: Trail) -> None:
    trail.files[trail.digests[1]] = trail.files[trail.digests[1]][:100]


def _replace_fingerprint(trail: Trail) -> None:
    trail.change(trail.digests[1], digestPublicKeyFingerprint="0" * 32)
    trail.sign(trail.digests[1], "somebody's")


def _restart(trail: Trail) -> None:
    """Validation was off for two hours: a new chain, and log files in between that no digest names."""
    trail.log(trail.ended_at + timedelta(minutes=20), is_digested=False)
    trail.ended_at += 2 * timedelta(hours=1)
    trail.log(trail.ended_at + timedelta(minutes=20))
    trail.digest(trail.ended_at + timedelta(hours=1), is_first=True)
    trail.hour()


def _backfill(trail: Trail) -> None:
    """A log file that its digest had left out is named by a backfill digest, made a day later."""
    ended_at = trail.ended_at - timedelta(hours=2)
    trail.log(ended_at - timedelta(minutes=30))
    trail.digest(ended_at, signed_at=ended_at + timedelta(days=1))


def _forge_backfill(trail: Trail) -> None:
    _backfill(trail)
    trail.sign(trail.digests[-1], "somebody's")


def _deliver_late(trail: Trail) -> None:
    """What is delivered just before the end of an hour is named by the digest of the next."""
    ended_at = trail.ended_at + timedelta(hours=1)
    trail.log(ended_at - timedelta(minutes=30))
    late = trail.log(ended_at - timedelta(minutes=4), is_digested=False)
    trail.digest(ended_at)
    trail.undigested.append(late)
    trail.hour()


def _name_another_bucket(trail: Trail) -> None:
    """CloudTrail itself signs it: the trail's bucket was changed within the hour."""
    key = trail.digests[3]
    logs = trail.document(key)["logFiles"]
    trail.change(key, logFiles=[logs[0] | {"s3Bucket": "elsewhere"}, *logs[1:]])
    trail.sign(key)


def _name_what_lies_outside(trail: Trail) -> None:
    key = trail.digests[3]
    logs = trail.document(key)["logFiles"]
    outside = trail.logs[9].replace("/CloudTrail/", "/../../../secret/")
    trail.files["secret/secret.json.gz"] = packed("secret")
    trail.metadata["secret/secret.json.gz"] = {}
    trail.change(key, logFiles=[logs[0] | {"s3Object": outside}, *logs[1:]])
    trail.sign(key)


_FORGED = ["digest forged", "digest forged"]


def _logs(status: str, *indexes: int) -> list[str]:
    return [f"log {index} {status}" for index in indexes]


FAULTS = {
    "untouched": Fault(_nothing, {}, (4, 0, 12, 0)),
    "log file changed": Fault(_change_log, {1: ["log 4 modified"]}, (4, 0, 11, 1)),
    "gzip member appended to a log file": Fault(_append_to_log, {1: ["log 4 modified"]}, (4, 0, 11, 1)),
    "garbage appended to a log file": Fault(_append_garbage_to_log, {1: ["log 4 modified"]}, (4, 0, 11, 1)),
    "log file unpacked": Fault(_unpack_log, {1: ["log 4 modified"]}, (4, 0, 11, 1)),
    "log file cut off": Fault(_cut_log, {1: ["log 4 modified"]}, (4, 0, 12, 0), ours=(4, 0, 11, 1)),
    "log file emptied": Fault(_empty_log, {1: ["log 4 modified"]}, (4, 0, 11, 1)),
    "log file deleted": Fault(_delete_log, {1: ["log 4 missing"]}, (4, 0, 11, 1)),
    "log file added": Fault(_add_log, {1: ["log 12 extra"]}, (4, 0, 12, 0)),
    "log file added at the end of an hour": Fault(_add_log_at_the_end_of_an_hour, {2: ["log 12 extra"]}, (4, 0, 12, 0)),
    "log file taken out of its digest": Fault(
        _unname_log, {1: [*_FORGED, *_logs("forged", 4, 5)], 2: ["digest modified"]}, (3, 1, 9, 0)
    ),
    "log file taken out, hash in the next digest mended": Fault(
        _unname_log_and_mend_the_chain,
        {1: [*_FORGED, *_logs("forged", 4, 5)], 2: [*_FORGED, *_logs("forged", 6, 7, 8)], 3: ["digest modified"]},
        (2, 2, 6, 0),
    ),
    "digest signed with another key": Fault(
        _sign_with_another_key, {1: [*_FORGED, *_logs("forged", 3, 4, 5)]}, (3, 1, 9, 0)
    ),
    "digest with the signature of another": Fault(
        _swap_signature, {1: [*_FORGED, *_logs("forged", 3, 4, 5)]}, (3, 1, 9, 0)
    ),
    "signature that is none": Fault(_garble_signature, {1: [*_FORGED, *_logs("forged", 3, 4, 5)]}, (3, 1, 9, 0)),
    "signatures lost": Fault(
        _lose_signatures,
        {3: ["digest unverifiable", "digest unverifiable", *_logs("unverifiable", 9, 10, 11)]},
        (0, 4, 0, 0),
        ours=(3, 1, 9, 0),
    ),
    "digest deleted": Fault(_delete_digest, {2: ["digest missing"]}, (3, 1, 9, 0)),
    "two digests deleted": Fault(_delete_two_digests, {3: ["digest missing"]}, (2, 1, 6, 0)),
    "another digest in its place": Fault(
        _put_another_digest_in_its_place,
        {1: [*_FORGED, *_logs("forged", 6, 7, 8)], 2: ["digest modified"]},
        (3, 1, 9, 0),
    ),
    "digest damaged": Fault(_damage_digest, {1: ["unreadable"], 2: ["digest modified"]}, (3, 1, 9, 0)),
    "digest with an unknown key": Fault(
        _replace_fingerprint,
        {1: ["digest unverifiable", "digest unverifiable", *_logs("unverifiable", 3, 4, 5)], 2: ["digest modified"]},
        (3, 1, 9, 0),
    ),
    "validation switched off and on": Fault(_restart, {}, (6, 0, 16, 0)),
    "backfill digest": Fault(_backfill, {}, (5, 0, 13, 0)),
    "backfill digest forged": Fault(_forge_backfill, {4: ["digest forged", "log 12 forged"]}, (4, 1, 12, 0)),
    "log file named an hour later": Fault(_deliver_late, {}, (6, 0, 17, 0)),
    "log file in another bucket": Fault(
        _name_another_bucket, {3: ["log elsewhere unverifiable", "log 9 extra"]}, (1, 0, 0, 0), ours=(4, 0, 11, 1)
    ),
    "log file outside of the trail": Fault(
        _name_what_lies_outside, {3: ["log elsewhere unverifiable", "log 9 extra"]}, (4, 0, 11, 1)
    ),
}
