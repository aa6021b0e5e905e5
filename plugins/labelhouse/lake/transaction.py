"""A pyiceberg transaction whose cost does not grow with the history of the table as fast."""

from __future__ import annotations

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Transaction
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.table.update import TableUpdate


class LightTransaction(Transaction):
    """Commits as its base does.

    That copies the whole metadata, every snapshot in it, some fifteen times a commit: whenever it is asked for them.
    Of one state one copy is enough, since nobody changes it: what changes them makes another.
    """

    _copied: tuple[TableMetadata, tuple[TableUpdate, ...], TableMetadata] | None = None

    @property
    def table_metadata(self) -> TableMetadata:
        """The metadata with all that is staged."""
        base, updates = self._table.metadata, self._updates
        if self._copied is None or self._copied[0] is not base or self._copied[1] is not updates:
            self._copied = base, updates, super().table_metadata
        return self._copied[2]


class CompareAndSwap(LightTransaction):
    """Commits only on the state that the table was opened at.

    pyiceberg deletes the files of a commit that was refused. But a refusal may be the answer to a request that was
    sent twice because the answer to the first was lost, and then they are live. So the table is looked at once more,
    as pyiceberg does before it tries again (the table allows one more try), and the second try is refused here.
    """

    def _rebuild_snapshot_updates(self) -> None:
        raise CommitFailedException("somebody else committed since the table was opened")
