"""The errors people see: one sentence that says what, where, the value, and what is allowed."""

from __future__ import annotations


class LabelhouseError(Exception):
    """Something a user, an operator or a delivery did wrong, said in one sentence.

    Args:
        what: what is wrong, as the start of a sentence ("the folder does not exist").
        where: the setting, file, table or option it concerns.
        value: the offending value.
        allowed: what would be accepted instead.
    """

    def __init__(
        self, what: str, *, where: str | None = None, value: object = None, allowed: str | None = None
    ) -> None:
        self.what, self.where, self.value, self.allowed = what, where, value, allowed
        super().__init__(str(self))

    def __str__(self) -> str:
        sentence = f"{self.where}: {self.what}" if self.where else self.what
        if self.value is not None:
            sentence += f": {self.value!r}"
        if self.allowed:
            sentence += f" (allowed: {self.allowed})"
        return sentence

    def __reduce__(self) -> tuple[object, ...]:
        # keyword-only arguments do not survive the default pickling between Airflow's processes
        return _rebuild, (type(self), self.what, self.where, self.value, self.allowed)


def words_of(error: OSError) -> str:
    """What the system refuses, in its words, and of which file where it names one."""
    what = error.strerror or str(error).partition("\n")[0] or type(error).__name__
    return f"{what}: {error.filename}" if error.filename else what


def _rebuild(
    kind: type[LabelhouseError], what: str, where: str | None, value: object, allowed: str | None
) -> LabelhouseError:
    return kind(what, where=where, value=value, allowed=allowed)


class SettingError(LabelhouseError):
    """A setting is unknown, missing or out of range."""


class SourceError(LabelhouseError):
    """A source cannot be listed or read: a missing folder, an unreadable bucket."""


class SourceUnavailableError(SourceError):
    """A source does not answer now (throttled, unreachable, a server's fault): worth another try."""


class LakeError(LabelhouseError):
    """The lake cannot be read or written as it is."""


class LakeUnavailableError(LakeError):
    """The lake's catalog or folder does not answer now: worth another try, and no fault of the data."""


class HeldError(LabelhouseError):
    """A publication is held back by a check; readers keep the last good release."""
