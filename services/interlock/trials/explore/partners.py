"""Guards that stand behind each other: what each is redundant with, and why both are there."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partner:
    """The other guard, and why one alone would do."""

    name: str
    why: str


_GAP = "decision.core.tenure:Tenure.acknowledged:offset-!=-self.next_offset"

PARTNERS: Mapping[str, Partner] = {
    "router.core.fit:control_unfit:rule-is-none": Partner(
        "policy.admissible:_examine:held-is-none-or-rule-is-none",
        "A route that no policy names has no admissible model; asked first, it is told by its right reason.",
    ),
    "policy.admissible:_examine:held-is-none-or-rule-is-none": Partner(
        "router.core.fit:control_unfit:rule-is-none",
        "A router has asked for the route's rule before it asks for its models.",
    ),
    "router.core.fit:ruling:held-is-none-or-held.value.version-<-marks.number-f--e1fcc4e": Partner(
        "router.core.fit:_policy_unfit:held-is-none-or-held.value.version-<-max-order.polic-5edd9e5",
        "Under an older policy than was ever held every order is unfit; grace and safe state must not be taken from it either.",
    ),
    "router.core.fit:ruling:book.trust.version->=-marks.number-root": Partner(
        "router.core.fit:_policy_unfit:book.trust.version-<-max-order.root_version-marks.nu-6a919fb",
        "Likewise under an older trust root.",
    ),
    "router.core.fit:_policy_unfit:order.policy_version-<-held.value.version": Partner(
        "router.core.fit:_policy_unfit:order.policy_digest-!=-held.event_id",
        "Another version has another digest; an older one is told by its right reason.",
    ),
    "decision.core.target:choose:entry.safe_state-is-none": Partner(
        "decision.core.target:_keep_safe:cause-is-not-none",
        "What changes inside the safe state stops a route that is served, too; asked first, the cause is told as it is.",
    ),
    "decision.core.target:_keep_safe:entry.target-is-not-none-and-wanted-is-not-safestate-4516831": Partner(
        "decision.core.target:_keep_safe:cause-is-not-none",
        "A rung that policy does not name for `read_only` any more is not admissible for it either.",
    ),
    "decision.core.target:_keep_safe:wanted-is-safestate.read_only-and-entry.safe_state-=-65de261": Partner(
        "decision.core.target:_keep_safe:entry.safe_state-!=-wanted",
        "Who is suspended is not in `read_only`; asked by itself, the cause says that its rung may answer.",
    ),
    "policy.book:_take_root:root.version-<=-book.trust.version": Partner(
        "policy.book:_take_root:root.version-!=-book.trust.version-1",
        "An older root is not the next one either; asked first, it is told by its right reason.",
    ),
    "policy.book:Book.rule:held": Partner(
        "router.core.fit:_policy_unfit:held-is-none-or-held.value.version-<-max-order.polic-5edd9e5",
        "Who asks for a route's rule has asked first whether its policy is held.",
    ),
    "router.core.marks:Marks.put_term:term->-self.term-shard": Partner(
        "router.core.accept:_too_late:order-order.root-order.term-0-<-state.marks.term-cha-6818e46",
        "An order of an older term is obeyed only by a heartbeat of the newer one, which marks its own term afterwards.",
    ),
    "decision.core.tenure:Tenure.may_publish:self.doubt-is-none": Partner(
        _GAP, "Who goes on after a doubt appends, and his next append does not land where it must."
    ),
    "decision.core.tenure:Tenure.append:not-held": Partner(
        _GAP,
        "Who lost the shard unnoticed meets his successor's claim in the log; to ask the group is cheaper, and earlier.",
    ),
    "decision.core.tenure:Tenure.append:not-self.may_publish": Partner(
        _GAP, "An append after a doubt lands where it counts for nothing; this one is not even sent."
    ),
}
"""By the name of the redundant guard."""
