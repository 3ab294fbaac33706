"""A small deployment to test against: people, services, keys, models, policies, all really signed.

Everybody's key is made from his name and the deployment's, so two deployments of the same name and time hold the same bytes. The cast: `root-1`,
`root-2`, `root-3` (two of the three sign the root), `grace` of governance, `oscar` who owns the agents, `vera` the validator,
`sam` of safety, `olga` the operator, and one service of each kind.

    deployment = Deployment()
    sealed = deployment.policy("support", ladder=["atlas", "birch"])
    book = deployment.book(sealed)
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from interlock.policy.book import Book, Taken, take
from interlock.records.change import Cause, RoutingChange, Trigger
from interlock.records.documents import RoutePolicy, Webhook, Workflow
from interlock.records.models import (
    Autonomy,
    Capability,
    DataHandling,
    Evidence,
    Identity,
    Logging,
    Model,
    Network,
    Registration,
)
from interlock.records.rules import WHOLE, RouteRule, Rung, SafeState, TriggerRule, WatchedTrigger
from interlock.records.sealing import event_id_of, seal
from interlock.signing.keys import KeyKind, SigningKey
from interlock.signing.roles import Role
from interlock.signing.statement import Statement
from interlock.signing.trust import Grant, TrustedKey, TrustRoot
from interlock.vocabulary.identifiers import ANY, Order, RouteId, digest
from interlock.vocabulary.limits import CHANGE_VALID_US
from interlock.vocabulary.time import FOREVER, NEVER, SECOND, Micros

NOW = Micros(1_780_000_000_000_000)
"""The time at which a deployment is made unless a test says otherwise: 2026-05-28."""

DAY = Micros(86_400 * SECOND)
SUPPORT = RouteId("support", "main", ANY)
PROFILE = "chat"
"""The task profile of every route and of the evidence made for it."""

ROOTS = ("root-1", "root-2", "root-3")
CAST: dict[Role, tuple[str, ...]] = {
    Role.ROOT: ROOTS,
    Role.GOVERNANCE: ("grace",),
    Role.AGENT_OWNER: ("oscar",),
    Role.VALIDATOR: ("vera",),
    Role.SAFETY: ("sam",),
    Role.OPERATOR: ("olga",),
    Role.DECISION: ("decision-1",),
    Role.HEALTH: ("health-1",),
    Role.PROBE: ("probe-1",),
    Role.REPORTER: ("gateway-1",),
    Role.ROUTER: ("gateway-1",),
    Role.NOTIFIER: ("notifier-1",),
    Role.WATCH: ("watch-1",),
    Role.GUARD: ("guardrail-1",),
}
"""Who holds each role. One signature is enough, but for the root, where it takes two."""

TRIGGERS = (
    TriggerRule(WatchedTrigger.UNAVAILABLE, 0.0, Micros(0)),
    TriggerRule(WatchedTrigger.ERRORS, 0.2, Micros(0)),
    TriggerRule(WatchedTrigger.THROTTLED, 0.3, Micros(0)),
    TriggerRule(WatchedTrigger.LATENCY, 2.0, Micros(0)),
)
"""What every route watches unless a test says otherwise."""


def key_of(owner: str, deployment: str = "testbed", kind: KeyKind = KeyKind.ED25519) -> SigningKey:
    """The key of a member of the cast, or of a stranger: it depends on the two names alone.

    Deployments of other names have other keys, so that tests which share a broker do not believe each other.
    """
    return SigningKey.from_seed(digest(f"interlock test key of {owner} in {deployment}".encode()), kind)


def model(  # noqa: PLR0913 - every one has a default
    name: str,
    *,
    endpoint: str = "http://127.0.0.1:9/v1",
    tools: Sequence[str] = ("search",),
    provider: str = "",
    identity: Mapping[str, Any] = MappingProxyType({}),
    data: Mapping[str, Any] = MappingProxyType({}),
    capability: Mapping[str, Any] = MappingProxyType({}),
    **fields: Any,
) -> Model:
    """A registry entry; its credential is the environment variable `<NAME>_KEY`.

    Two of them differ materially in nothing, so that none waits for an approval; say what shall differ.

    Args:
        name: The model's name, lower-case; providers see it as `<name>-2026`.
        endpoint: Base address of its OpenAI-compatible API. The default refuses every connection.
        tools: What it may call.
        provider: Who serves it; by default `<name>-works`.
        identity: Fields of its identity that differ from the usual.
        data: Fields of its data handling that do.
        capability: Fields of its capability that do.
        fields: Other fields that do.
    """
    usual = Model(
        name=name,
        version="2026-01",
        provider=provider or f"{name}-works",
        endpoint=endpoint,
        intermediaries=(),
        served_as=f"{name}-2026",
        aliases=(f"{name}-2026", f"{name}-2026-01-15"),
        identity=Identity(
            id="spiffe://test/agent",
            owner="oscar",
            secret_ref=f"env:{name.upper().replace('-', '_')}_KEY",
            scopes=("models.call",),
            assurance=2,
            rotation_due=FOREVER,
        ),
        data=DataHandling(classes=("internal",), regions=("eu",), retention_days=0, logging=Logging.METADATA),
        capability=Capability(
            tools=tuple(tools),
            code_execution=False,
            network=Network.INTERNAL,
            modalities=("text",),
            context_tokens=128_000,
            outputs=("json", "text", "tool_calls"),
            autonomy=Autonomy.ACT_WITH_APPROVAL,
            deterministic=False,
        ),
        approvals=(),
        integrity=0,
        usd_per_mtok=2.0,
        retires_at=FOREVER,
    )
    return replace(
        usual,
        identity=replace(usual.identity, **identity),
        data=replace(usual.data, **data),
        capability=replace(usual.capability, **capability),
        **fields,
    )


class Deployment:
    """A trust root, everybody's keys, and policies signed by those who must.

    Args:
        name: The deployment's name: the audience of its records.
        now: When everything was issued; it is valid from a day before for a year.
        agents: The agents that `oscar` owns.
        keys: The kind of everybody's keys.
    """

    def __init__(
        self,
        name: str = "testbed",
        *,
        now: Micros = NOW,
        agents: Sequence[str] = ("support", "triage", "drafting"),
        keys: KeyKind = KeyKind.ED25519,
    ) -> None:
        self.name = name
        self.keys = keys
        self.now = now
        self.agents = tuple(agents)
        self.root = self.next_root(1)
        self.sealed_root = self.seal(self.root, "root-1", "root-2")

    @property
    def issued_at(self) -> Micros:
        """When everything was issued: a day before `now`."""
        return Micros(self.now - DAY)

    @property
    def expires_at(self) -> Micros:
        """When everything ends: a year after `now`."""
        return Micros(self.now + 365 * DAY)

    @property
    def root_id(self) -> bytes:
        """The event id of the trust root, 32 bytes."""
        return event_id_of(self.root)

    def key(self, owner: str) -> SigningKey:
        """The private key of a member of the cast."""
        return key_of(owner, self.name, self.keys)

    def seal(self, record: Statement, *owners: str) -> bytes:
        """Sign a record with the owners' keys: what goes on the topic."""
        return seal(record, *(self.key(owner) for owner in owners))

    def next_root(self, version: int, *, agents: Sequence[str] = ()) -> TrustRoot:
        """The trust root of a version, with the same people; seal it with two of `root-1` to `root-3`.

        Args:
            version: One more than that of the root before it.
            agents: The agents that `oscar` owns; by default those of the deployment.
        """
        owners = dict.fromkeys(owner for held in CAST.values() for owner in held)
        return TrustRoot(
            version=version,
            deployment=self.name,
            issued_at=self.issued_at,
            expires_at=self.expires_at,
            keys=tuple(TrustedKey(self.key(owner).keyid, owner, self.key(owner).public) for owner in owners),
            grants=tuple(self._grant(role, held, agents or self.agents) for role, held in CAST.items()),
        )

    def _grant(self, role: Role, owners: tuple[str, ...], owned: Sequence[str]) -> Grant:
        threshold = 2 if role is Role.ROOT else 1
        agents = tuple(owned) if role is Role.AGENT_OWNER else ()
        return Grant(role, threshold, tuple(self.key(owner).keyid for owner in owners), agents)

    def evidence(self, subject: Model, *, expires_at: Micros | None = None, level: int = 1) -> bytes:
        """Sealed evidence by `vera` that a model was validated for the profile `chat`, valid for a year by default."""
        said = Evidence(
            model=subject.name,
            model_version=subject.version,
            profile=PROFILE,
            by="vera",
            capability_boundaries=level,
            safety=level,
            governance_compliance=level,
            report=f"https://reports.test/{subject.name}",
            issued_at=self.issued_at,
            expires_at=expires_at or self.expires_at,
        )
        return self.seal(said, "vera")

    def rung(self, subject: Model | str) -> Rung:
        """A rung of a ladder: the model, accepted by `oscar`, with evidence."""
        named = model(subject) if isinstance(subject, str) else subject
        return Rung(named, "oscar", self.evidence(named))

    def rule(
        self,
        ladder: Sequence[Model | str | Rung],
        *,
        slot: str = "main",
        scope: str = ANY,
        triggers: Sequence[TriggerRule] = TRIGGERS,
        **fields: Any,
    ) -> RouteRule:
        """The rule of one route: blind 10 s, stable 5 s, grace 10 s, safe state `suspend`, unless `fields` say otherwise."""
        usual = RouteRule(
            slot=slot,
            scope=scope,
            profile=PROFILE,
            ladder=tuple(item if isinstance(item, Rung) else self.rung(item) for item in ladder),
            triggers=tuple(triggers),
            blind_us=Micros(10 * SECOND),
            stable_us=Micros(5 * SECOND),
            grace_us=Micros(10 * SECOND),
            safe_state=SafeState.SUSPEND,
        )
        return replace(usual, **fields)

    def policy_of(
        self,
        agent: str,
        *rules: RouteRule,
        version: int = 1,
        webhook: str = "http://127.0.0.1:9/hook",
        workflow: Workflow = Workflow.CUSTOMER_FACING,
    ) -> RoutePolicy:
        """A policy that nobody has signed yet."""
        return RoutePolicy(
            agent=agent,
            version=version,
            deployment=self.name,
            workflow=workflow,
            team=f"team-{agent}",
            issued_at=self.issued_at,
            expires_at=self.expires_at,
            review_within_us=DAY,
            routes=rules,
            notify=(Webhook(webhook, allow_private=True),),
        )

    def policy(
        self,
        agent: str,
        ladder: Sequence[Model | str | Rung],
        *,
        version: int = 1,
        triggers: Sequence[TriggerRule] = TRIGGERS,
        webhook: str = "http://127.0.0.1:9/hook",
    ) -> bytes:
        """A policy with the one route `agent/main/*`, sealed by `grace` and `oscar`.

        Args:
            agent: One of `agents`.
            ladder: The primary, then the fallbacks: names, models, or rungs of one's own making.
            version: Counts up from 1.
            triggers: What the route watches.
            webhook: Where its notices go.
        """
        rule = self.rule(ladder, triggers=triggers)
        return self.seal(self.policy_of(agent, rule, version=version, webhook=webhook), "grace", "oscar")

    def registration(self, subject: Model, *, version: int = 1, withdrawn: bool = False) -> bytes:
        """A model's entry in the registry, sealed by `grace`."""
        return self.seal(Registration(self.name, version, subject, withdrawn, self.issued_at), "grace")

    def change(self, route: RouteId = SUPPORT, *, term: int = 0, version: int = 1, **fields: Any) -> RoutingChange:
        """An order as the decision service makes it, of now: from `atlas`, which is unavailable, to `birch`, unless `fields` say otherwise.

        Where they name another time of issue, `not_after` and `review_due` follow it.
        """
        order = Order(self.root.version, term, version)
        issued_at = fields.get("issued_at", self.now)
        usual = RoutingChange(
            id=f"{route.key}@{order}",
            deployment=self.name,
            shard=0,
            root_version=order.root,
            term=order.term,
            version=order.version,
            agent=route.agent,
            slot=route.slot,
            scope=route.scope,
            policy_version=1,
            policy_digest=b"",
            source="atlas",
            target="birch",
            safe_state=None,
            weight=WHOLE,
            canary="",
            proposal="",
            proposed=None,
            proposal_until=NEVER,
            cause=Cause(Trigger.UNAVAILABLE, "atlas", "5 of 5 probes failed"),
            verification=(),
            delta=(),
            material_in=(),
            team=f"team-{route.agent}",
            accepted_by="oscar",
            review_due=Micros(issued_at + DAY),
            expected_us=NEVER,
            expected_from=0,
            expected_like="",
            issued_at=issued_at,
            not_after=Micros(issued_at + CHANGE_VALID_US),
        )
        return replace(usual, **fields)

    def book(self, *documents: bytes) -> Book:
        """The book that holds the root and these sealed documents; each must count."""
        return self.taking(Book.start(self.root, self.root_id), *documents)

    def taking(self, book: Book, *documents: bytes) -> Book:
        """A book that took these sealed documents, too; each must count."""
        for document in documents:
            taken = take(book, document)
            if not isinstance(taken, Taken):
                raise AssertionError(f"the document does not count: {taken}")
            book = taken.book
        return book

    def install(self, directory: Path) -> None:
        """Write `root-1.sealed` and every service's `<owner>.pem` (mode 0600) for processes to be started."""
        (directory / "root-1.sealed").write_bytes(self.sealed_root)
        for role in (Role.DECISION, Role.HEALTH, Role.PROBE, Role.REPORTER, Role.NOTIFIER, Role.WATCH):
            for owner in CAST[role]:
                path = directory / f"{owner}.pem"
                path.touch(mode=0o600)
                path.write_bytes(self.key(owner).to_pem())
