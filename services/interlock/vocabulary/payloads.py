"""The closed list of what can be said on a topic.

A payload type is the full name of the Avro record that carries it; it is part of the signed bytes, so a record can never be
taken for one of another kind.
"""

from enum import StrEnum


class PayloadType(StrEnum):
    """The kinds of signed record, one Avro schema each (`schemas/*.avsc`)."""

    TRUST_ROOT = "interlock.v1.TrustRoot"
    REGISTRATION = "interlock.v1.Registration"
    EVIDENCE = "interlock.v1.Evidence"
    ROUTE_POLICY = "interlock.v1.RoutePolicy"
    DENIAL = "interlock.v1.Denial"
    COMMAND = "interlock.v1.Command"
    TELEMETRY = "interlock.v1.TelemetryBatch"
    GUARD_BEAT = "interlock.v1.GuardBeat"
    VERDICT = "interlock.v1.Verdict"
    AUDIT_RECORD = "interlock.v1.AuditRecord"
    ROUTING_CHANGE = "interlock.v1.RoutingChange"
    HEARTBEAT = "interlock.v1.Heartbeat"
    ACKNOWLEDGEMENT = "interlock.v1.Acknowledgement"
    STATE_RECORD = "interlock.v1.StateRecord"
    STATE_MARK = "interlock.v1.StateMark"
    TICKET = "interlock.v1.Ticket"
    NOTICE = "interlock.v1.Notice"
    BREACH = "interlock.v1.Breach"
    FINDING = "interlock.v1.Finding"

    @classmethod
    def parse(cls, text: str) -> "PayloadType | None":
        """The kind of that name; None if there is none."""
        return _BY_NAME.get(text)


_BY_NAME = {kind.value: kind for kind in PayloadType}
