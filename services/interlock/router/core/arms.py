"""Which arm of a canary a request is in.

Splitting by a hash of the unit and of a salt, compared with a threshold, is how controlled experiments are assigned without a
shared table (Kohavi, Tang, Xu: "Trustworthy Online Controlled Experiments", chapter 4). The salt is the canary's id and its
route, so that two canaries divide the same requests independently; the id stays over the steps, so that a request that was in the
canary arm at 5 per cent is still in it at 25.
"""

from interlock.vocabulary.identifiers import RouteId, digest

BUCKETS = 10_000
"""Hundredths of a per cent. A hash of 64 bits is so much larger that the remainder's bias is below 10⁻¹⁵."""


def in_canary(canary: str, route: RouteId, request_key: str | None, weight: int) -> bool:
    """Whether a request is in the canary arm: the same at every router, and for ever.

    Args:
        canary: The canary's id.
        route: The route that the request belongs to.
        request_key: What keeps requests together; without one a request stays with the source.
        weight: The canary arm's share, per cent.
    """
    return divided(salt_of(canary, route), request_key, weight)


def salt_of(canary: str, route: RouteId) -> bytes:
    """What a canary divides the requests of a route by."""
    return b"%s\x00%s\x00" % (canary.encode(), route.key.encode())


def divided(salt: bytes, request_key: str | None, weight: int) -> bool:
    """Whether a request is in the canary arm; see `in_canary`."""
    if not request_key:
        return False
    # A key comes from outside, and may be text that is not Unicode.
    place = int.from_bytes(digest(salt + request_key.encode(errors="surrogatepass"))[:8], "big") % BUCKETS
    return place < weight * (BUCKETS // 100)
