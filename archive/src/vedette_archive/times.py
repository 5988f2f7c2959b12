"""Times as the archive holds them: microseconds since 1970, UTC; they sort, compare and stay exact."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_number(at: datetime) -> int:
    """Return a time as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def to_time(microseconds: int) -> datetime:
    """Return microseconds since 1970 as a time."""
    return _EPOCH + timedelta(microseconds=microseconds)
