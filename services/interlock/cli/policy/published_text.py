"""What became of sealed files that were to be published, for people and for programs."""

from collections.abc import Iterator, Sequence

from interlock.cli.policy.out_of_use import OutOfUse
from interlock.cli.policy.parcels import Parcel
from interlock.cli.policy.publishing import Published

_AGAIN = "Publish again once the bus is back: what is there is not published twice."


def document(done: Published, unused: Sequence[OutOfUse]) -> dict[str, object]:
    """For a program."""
    error = {"error": done.error.message, "mend": _AGAIN} if done.error else {}
    ok = not done.refused and done.error is None
    return {
        "ok": ok,
        **error,
        "files": [_parcel_document(parcel) for parcel in done.parcels],
        "out_of_use": [
            {"file": each.file, "route": each.route.key, "model": each.model, "reason": each.reason} for each in unused
        ],
    }


def text(done: Published, unused: Sequence[OutOfUse]) -> str:
    """For a person: a line for each file, what of it may not be used, and what it comes to."""
    lines = []
    for parcel in done.parcels:
        lines.append(_line(parcel, sent=done.sent, refused=done.refused))
        lines += _warnings([each for each in unused if each.file == parcel.file])
    if done.error:
        lines += [f"error: {done.error.message}", f"  -> {_AGAIN}"]
    elif done.refused:
        lines.append("What came too late changes nothing." if done.sent else "Nothing was published.")
    return "\n".join(lines)


def _warnings(unused: Sequence[OutOfUse]) -> Iterator[str]:
    for each in unused:
        yield f"warning: {each.route.key} may not use {each.model}: {each.reason}\n  -> {each.reason.mend}"


def _parcel_document(parcel: Parcel) -> dict[str, object]:
    return {
        "file": parcel.file,
        "key": parcel.key or None,
        "offset": parcel.offset if parcel.offset >= 0 else None,
        "already_there": parcel.there,
        "unknown": parcel.unknown,
        "counts": parcel.counts,
        "refused": {"reason": parcel.refused.reason, "detail": parcel.refused.detail} if parcel.refused else None,
        "mend": parcel.mend or None,
    }


def _line(parcel: Parcel, *, sent: bool, refused: bool) -> str:
    if parcel.refused:
        detail = f" ({parcel.refused.detail})" if parcel.refused.detail else ""
        how = f"published at offset {parcel.offset}, and does not count" if parcel.offset >= 0 else "refused"
        return f"{parcel.file}: {how}: {parcel.refused.reason}{detail}\n  -> {parcel.mend}"
    if parcel.there:
        return f"{parcel.file}: there already{'' if parcel.counts else ', and a newer one counts in its place'}"
    if parcel.unknown:
        return f"{parcel.file}: sent, and the broker did not answer: it may be there or not"
    if parcel.offset >= 0:
        unread = "" if parcel.counts else ", not read back"
        return f"{parcel.file}: published as {parcel.key}, offset {parcel.offset}{unread}"
    return f"{parcel.file}: {'not sent' if sent or not refused else 'would count'}"
