"""The figures of the benches for a person."""

from typing import Any

_DECIDE = "one decision, ladder of four {decide_us:>9.0f} µs; its signature {sign_us:.0f} µs: {ratio:.2f} of it"
_FLEET = """
{agents} agents on a bus in memory, four shards, one process:
  their model dies           {moved_s:>9.2f} s to the last signed change: {changes_per_s} changes/s
                                       {share_of_signing_rate:.2f} of the bare signing rate, {signatures_per_s}/s
  start again from the state {start_from_state_s:>9.2f} s, {start_from_state_log_records} records of the log read
  start again from the log   {start_from_log_s:>9.2f} s, {start_from_log_log_records} records of the log read
  memory                     {memory_bytes_per_agent:>9} bytes for each agent"""

_ROUTER = """\
one change accepted   {accept[us]:>9.0f} µs, {accept[per_s]}/s; its signature verified {accept[verify_us]:.0f} µs: {accept[ratio]:.2f} of it
one heartbeat renews  {heartbeat[us]:>9.0f} µs, {heartbeat[per_s]}/s; its signature verified {heartbeat[verify_us]:.0f} µs: {heartbeat[ratio]:.2f} of it
{routes} routes on a bus in memory:
  one request answered {resolve_us:>8.2f} µs, the first after a change {resolve_first_us} (primary {resolve_us_by_kind[primary]}, canary {resolve_us_by_kind[canary]}, \
safe state {resolve_us_by_kind[safe_state]})
  start, every lease live {cold_start_s:>7.2f} s, of it {cold_start_cpu_s} s of processor time; {acknowledgements} words said after {acknowledged_s} s
  memory                {memory_bytes_per_route:>7} bytes for each route"""

_REACTION = """\
{rounds} rounds on {brokers} broker(s)        p50       p99
  two bare hops            {bare_2_hops[p50_ms]:>8.2f}  {bare_2_hops[p99_ms]:>8.2f} ms
  three bare hops          {bare_3_hops[p50_ms]:>8.2f}  {bare_3_hops[p99_ms]:>8.2f} ms
  verdict to enforcement   {interlock[p50_ms]:>8.2f}  {interlock[p99_ms]:>8.2f} ms: {ratio_p50} and {ratio_p99} of three hops
where it goes:"""


def decide_text(figures: dict[str, Any]) -> str:
    """`bench decide`."""
    return (_DECIDE + (_FLEET if "agents" in figures else "")).format(**figures)


def router_text(figures: dict[str, Any]) -> str:
    """`bench router`."""
    return _ROUTER.format(**figures)


def reaction_text(figures: dict[str, Any]) -> str:
    """`bench reaction`."""
    steps = (
        f"  {name:<24} {took['p50_ms']:>8.2f}  {took['p99_ms']:>8.2f} ms" for name, took in figures["profile"].items()
    )
    return "\n".join([_REACTION.format(**figures), *steps])
