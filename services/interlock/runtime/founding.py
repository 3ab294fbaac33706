"""Founding a deployment: from a plan, in texts that people can read, to a whole working configuration on disk.

`interlock init` founds one for a person to change, the trials found one for each run. Everything is made the way that people
make it later: the root is signed by its owners, the registry by governance, evidence by a validator, policies by governance and by
the agent's owner, and a policy that does not pass the check is not signed.

Not handled here: the settings of services (their owners write them with `Workspace.write_settings`), and what models exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from interlock.policy.authoring.check import check, forbids
from interlock.policy.authoring.compile import compile_policy
from interlock.policy.authoring.document import D, parse
from interlock.policy.authoring.draft import Draft
from interlock.policy.authoring.evidence import EvidenceDocument, compile_evidence
from interlock.policy.authoring.policy import PolicyDocument
from interlock.policy.authoring.problems import Problem
from interlock.policy.authoring.registry import RegistryDocument, registrations
from interlock.policy.authoring.source import Source, read
from interlock.records.sealing import seal
from interlock.runtime.workspace import SEALED, Workspace
from interlock.signing.keys import KeyKind, SigningKey
from interlock.signing.roles import Role
from interlock.signing.trust import Grant, TrustedKey, TrustRoot
from interlock.vocabulary.errors import ConfigurationError
from interlock.vocabulary.time import Micros, parse_duration

ROOT_OWNERS = ("root-1", "root-2", "root-3")
ROOT_THRESHOLD = 2
ROOT_LASTS = parse_duration("730d")

PEOPLE: Mapping[str, Role] = MappingProxyType(
    {
        "grace": Role.GOVERNANCE,
        "oscar": Role.AGENT_OWNER,
        "vera": Role.VALIDATOR,
        "sam": Role.SAFETY,
        "olga": Role.OPERATOR,
        "otto": Role.OPERATOR,
    }
)
"""Who holds which role in a founded deployment, to be changed by the root's owners; some orders need two operators."""

SERVICES: Mapping[str, tuple[Role, ...]] = MappingProxyType(
    {
        "decision-1": (Role.DECISION,),
        "health-1": (Role.HEALTH,),
        "probe-1": (Role.PROBE,),
        "gateway-1": (Role.REPORTER, Role.ROUTER),
        "notifier-1": (Role.NOTIFIER,),
        "watch-1": (Role.WATCH,),
        "guardrail-1": (Role.GUARD,),
    }
)
"""The services' online keys, and the roles they hold."""

_WEBHOOKS = frozenset({Role.NOTIFIER, Role.WATCH})
"""Whose keys sign webhooks, see `SigningKey.for_webhooks`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a deployment is founded with.

    Attributes:
        deployment: Its name: the audience of every record.
        registry: The models, YAML; governance signs each entry.
        evidence: YAML by the file's name without suffix; the validator signs each.
        policies: YAML by the file's name without suffix; governance and the agent's owner sign each.
        services: The services that get a key, and the roles each holds.
        keys: The kind of everybody's key, but of those that sign webhooks, too: these are always Ed25519.
    """

    deployment: str
    registry: str
    evidence: Mapping[str, str]
    policies: Mapping[str, str]
    services: Mapping[str, tuple[Role, ...]] = field(default_factory=lambda: SERVICES)
    keys: KeyKind = KeyKind.ED25519


def found(directory: Path, plan: Plan, now: Micros) -> Workspace:
    """Write a deployment's keys, trust root, registry, evidence and policies, signed by everybody who has to.

    Args:
        directory: An empty folder, or one that is not there yet.
        plan: What to found.
        now: The time that the root and the policies bear.

    Raises:
        ConfigurationError: The folder is not empty, a text of the plan has problems, or a file cannot be written.
    """
    workspace = Workspace(_empty(directory))
    policies = {name: _readable(read(text, f"policies/{name}.yaml")) for name, text in plan.policies.items()}
    agents = _agents(policies)
    keys = _make_keys(workspace, plan)
    root = _root(plan, agents, keys, now)
    workspace.write(workspace.root, seal(root, *(keys[owner] for owner in ROOT_OWNERS[:ROOT_THRESHOLD])))
    registry = _write_registry(workspace, plan, keys["grace"], now)
    for name, text in plan.evidence.items():
        _write_evidence(workspace, name, text, keys["vera"])
    for name, text in plan.policies.items():
        source = _readable(read(text, f"policies/{name}.yaml"))
        draft = Draft(source, _parsed(source, PolicyDocument), registry, workspace.sealed_files(), root)
        _write_policy(workspace, text, draft, (keys["grace"], keys["oscar"]), now)
    return workspace


def _empty(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        filled = any(directory.iterdir())
    except OSError as error:
        raise ConfigurationError(f"{directory} cannot be used: {error.strerror}.", "Name another folder.") from error
    if filled:
        raise ConfigurationError(
            f"{directory} is not empty.", "Name a new folder: keys and policies are never overwritten."
        )
    return directory


def _agents(policies: Mapping[str, Source]) -> tuple[str, ...]:
    """Who the policies are for, each of them once."""
    named: dict[str, str] = {}
    for source in policies.values():
        agent = _parsed(source, PolicyDocument).agent
        if agent in named:
            what = f"{named[agent]} is a policy for {agent}, too"
            raise _refusal([source.problem(("agent",), what, "Keep one policy for each agent.")])
        named[agent] = source.file
    return tuple(sorted(named))


def _make_keys(workspace: Workspace, plan: Plan) -> dict[str, SigningKey]:
    signers = [name for name, roles in plan.services.items() if not _WEBHOOKS.isdisjoint(roles)]
    others = [name for name in plan.services if name not in signers]
    return workspace.make_keys(*ROOT_OWNERS, *PEOPLE, *others, kind=plan.keys) | workspace.make_keys(*signers)


def _root(plan: Plan, agents: tuple[str, ...], keys: Mapping[str, SigningKey], now: Micros) -> TrustRoot:
    def grant(role: Role, *owners: str, threshold: int = 1) -> Grant:
        bound = agents if role is Role.AGENT_OWNER else ()
        return Grant(role, threshold, tuple(keys[owner].keyid for owner in owners), bound)

    held = {role: [owner for owner, its in PEOPLE.items() if its is role] for role in PEOPLE.values()}
    online = sorted({role for roles in plan.services.values() for role in roles})
    return TrustRoot(
        version=1,
        deployment=plan.deployment,
        issued_at=now,
        expires_at=Micros(now + ROOT_LASTS),
        keys=tuple(TrustedKey(key.keyid, owner, key.public) for owner, key in keys.items()),
        grants=(
            grant(Role.ROOT, *ROOT_OWNERS, threshold=ROOT_THRESHOLD),
            *(grant(role, *owners) for role, owners in held.items()),
            *(grant(role, *(name for name, roles in plan.services.items() if role in roles)) for role in online),
        ),
    )


def _write_registry(workspace: Workspace, plan: Plan, governance: SigningKey, now: Micros) -> RegistryDocument:
    source = _readable(read(plan.registry, workspace.registry.name))
    document = _parsed(source, RegistryDocument)
    entries = registrations(document, plan.deployment, now)
    workspace.write(workspace.registry, plan.registry)
    for name, record in entries.items():
        workspace.write(workspace.registrations / f"{name}{SEALED}", seal(record, governance))
    return document


def _write_evidence(workspace: Workspace, name: str, text: str, validator: SigningKey) -> None:
    source = _readable(read(text, f"evidence/{name}.yaml"))
    record = compile_evidence(source, _parsed(source, EvidenceDocument))
    if isinstance(record, list):
        raise _refusal(record)
    workspace.write(workspace.evidence / f"{name}.yaml", text)
    workspace.write(workspace.evidence / f"{name}{SEALED}", seal(record, validator))


def _write_policy(workspace: Workspace, text: str, draft: Draft, owners: tuple[SigningKey, ...], now: Micros) -> None:
    record = compile_policy(draft, now)
    if isinstance(record, list):
        raise _refusal(record)
    problems = check(draft, record, now)
    if forbids(problems):
        raise _refusal(problems)
    path = workspace.write(workspace.directory / draft.source.file, text)
    workspace.write(path.with_suffix(SEALED), seal(record, *owners))


def _readable(source: Source | Problem) -> Source:
    if isinstance(source, Problem):
        raise _refusal([source])
    return source


def _parsed(source: Source, document: type[D]) -> D:
    parsed = parse(source, document)
    if isinstance(parsed, list):
        raise _refusal(parsed)
    return parsed


def _refusal(problems: list[Problem]) -> ConfigurationError:
    told = "\n  ".join(str(problem) for problem in problems)
    return ConfigurationError(f"The deployment cannot be founded as planned:\n  {told}", "Mend these lines first.")
