"""Every decoder that meets bytes from outside, as data; what the fuzz targets, their smoke test and the record are made from.

A decoder is a function to which somebody else's bytes come: a record of a topic, a request, a reply, a file that a person or another
machine wrote. Each names the target that feeds it. `tests/property/test_decoders_are_listed.py` fails for one without a target, for a
module or function that is not there, and for a call of a parser in a module that is neither here nor in `ELSEWHERE`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Decoder:
    """One function that reads outside bytes.

    Attributes:
        module: Where it is, without `interlock.`; coverage of the whole module guides the fuzzer.
        function: Its name; a method with its class.
        reads: What comes to it, and from whom.
        target: The target that feeds it.
    """

    module: str
    function: str
    reads: str
    target: str


RECORDS = (
    *("TrustRoot", "Registration", "Evidence", "RoutePolicy", "Denial", "Command", "TelemetryBatch", "GuardBeat"),
    *("Verdict", "AuditRecord", "RoutingChange", "Heartbeat", "Acknowledgement", "StateRecord", "StateMark"),
    *("Ticket", "Notice", "Breach", "Finding"),
)
"""The classes that `records.codec.decode` makes of signed payloads: each has a target of its own, `record-<class>`."""

ENTRIES = ("RouteEntry", "VerdictEntry", "AnswerEntry", "ReviewEntry", "HistoryEntry", "ClimbsEntry")
"""What it makes of the entries inside the audit log and the state topic."""

DECODERS = (
    Decoder("wire.codec", "decode", "the value of any record on any topic", "wire"),
    Decoder("wire.trace", "from_headers", "the headers of any record", "trace-header"),
    Decoder("records.sealing", "decode_envelope", "the value of any record; sealed files", "envelope"),
    Decoder("records.sealing", "open_sealed", "the value of any record; sealed files", "envelope"),
    *(
        Decoder("records.codec", "decode", f"the payload of a {name}, signed by whoever may", f"record-{name}")
        for name in (*RECORDS, *ENTRIES)
    ),
    Decoder("runtime.opening", "read_trust", "the first trust root, a file from people", "sealed-file"),
    Decoder("policy.authoring.signatures", "claimed", "sealed files that travel between signers", "sealed-file"),
    Decoder("policy.authoring.signatures", "gather", "sealed files that travel between signers", "sealed-file"),
    Decoder("policy.authoring.signatures", "signed_by", "sealed files that travel between signers", "sealed-file"),
    Decoder("policy.authoring.signatures", "lacking", "sealed files that travel between signers", "sealed-file"),
    Decoder("policy.book", "take", "records of the policies topic, signed by whoever may", "documents"),
    Decoder("router.core.accept", "accept", "changes on the routes topic, signed by decision", "change"),
    Decoder("router.core.renew", "renew", "heartbeats, signed by decision", "heartbeat"),
    Decoder("health_monitor.core.monitor", "Monitor.observe", "batches of a reporter that may report", "telemetry"),
    Decoder("health_monitor.core.monitor", "Monitor.judge", "what such batches add up to", "telemetry"),
    Decoder("decision.core.events", "interpret", "records of decision's input topics, signed by whoever may", "inputs"),
    Decoder("decision.core.decide", "decide", "what these say", "inputs"),
    Decoder("decision.core.journal", "Journal.take", "the audit log, written by a decision key", "log"),
    Decoder("decision.core.projection", "project", "the state topic, written by a decision key", "state-topic"),
    Decoder("decision.core.state", "State.apply", "keys and values of state entries", "state-topic"),
    Decoder("runtime.audit_trail", "AuditTrail.take", "the audit log, as notifier and watch read it", "log"),
    Decoder("vocabulary.identifiers", "RouteId.parse", "keys of records, names in commands and in change ids", "names"),
    Decoder("vocabulary.time", "parse_duration", "durations in policies, settings and options", "names"),
    Decoder("trials.simulate.outage", "Subject.parse", "what is out, as an option names it", "names"),
    Decoder("runtime.fields", "Address", "addresses in settings", "settings"),
    Decoder("runtime.settings", "ServiceSettings.load", "settings files", "settings"),
    Decoder("signing.keys", "SigningKey.from_pem", "private key files", "private-key"),
    Decoder("router.core.marks", "Marks.of", "the rows of a router's state file", "marks"),
    Decoder("router.core.marks", "parse_order", "orders in a router's state file", "marks"),
    Decoder("router.marks_file", "MarksFile.load", "a router's state file", "marks"),
    Decoder("policy.authoring.source", "read", "YAML that a person wrote", "yaml"),
    Decoder(
        "policy.authoring.document", "parse", "policies, registries and evidence, as YAML says them", "policy-text"
    ),
    Decoder("policy.authoring.compile", "compile_policy", "policies as people write them", "policy-text"),
    Decoder("policy.authoring.check", "check", "policies as people write them", "policy-text"),
    Decoder("router.gateway.requests", "read_request", "requests of agents", "request"),
    Decoder("router.gateway.agents", "Agents.route_of", "the header by which an agent shows who it is", "request"),
    Decoder("router.gateway.events", "EventCutter.feed", "streams of model servers", "stream"),
    Decoder("router.gateway.events", "data_of", "events of model servers", "stream"),
    Decoder("router.gateway.judge", "Judge.take", "events of model servers", "stream"),
    Decoder("router.gateway.judge", "Judge.whole", "replies of model servers", "reply"),
    Decoder("router.gateway.judge", "Judge.error", "errors of model servers", "reply"),
    Decoder("records.outcomes", "error_code", "errors of model servers", "reply"),
    Decoder("health_monitor.probe.core", "judge", "replies of model servers to a probe", "reply"),
    Decoder("cli.tickets", "_request", "what an agent asked, shown to a person", "ticket"),
    Decoder("notifier.webhook", "retry_after", "the header of a webhook's receiver", "retry-after"),
    Decoder("notifier.webhook", "is_public", "addresses that a name resolves to", "webhook-address"),
    Decoder("notifier.webhook", "url_fault", "webhook addresses in signed policies", "webhook-address"),
    Decoder("notifier.webhook", "channel_of", "webhook addresses in signed policies", "webhook-address"),
    Decoder("trials.replay.trace", "read_trace", "recorded calls, a file from anywhere", "recorded-calls"),
    Decoder(
        "trials.simulate.recorded", "read_verdicts", "recorded verdicts, a file from anywhere", "recorded-verdicts"
    ),
)
"""Every decoder and its target."""

ELSEWHERE: Mapping[str, str] = MappingProxyType(
    {
        "brokers": "state files that the same commands wrote, in a directory of the same person",
        "cli.examples": "examples that are part of the package",
        "cli.status_text": "texts that the command itself wrote a moment before",
        "cli.verdicts": "lines that the command itself wrote a moment before",
        "policy.authoring.fields": "values of the documents that `policy.authoring.document` reads",
        "trials.bench": "the output of processes that the bench started from our own code",
        "trials.demo": "the output of processes that the demo started from our own code",
        "trials.drill": "the output of processes that the drill started from our own code",
        "trials.explore": "the output of processes that the exploration started from our own code",
        "trials.stage": "a log that the stage's own receiver wrote",
        "trials.steady_client": "replies of the gateway that the trial started",
        "trials.survive": "the output of processes that the drill started from our own code",
        "trials.typed": "the output of our own command line",
        "wire.schemas": "schemas that are part of the package",
    }
)
"""Modules and packages that parse something, and whose words those are: nobody's outside the program or the person who runs it."""
