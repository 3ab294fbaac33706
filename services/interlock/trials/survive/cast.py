"""Who lives in the deployment that is broken: four agents, one on each shard, with other graces and other safe states.

Each has two models of its own, so the primary of one can die while the others go on. Their times differ because what is lost differs:
who may move money is kept no longer than the lease, who answers letters may go on for a while and is then queued for a person.
"""

from interlock.trials.drill.cast import Actor, Agent, Cast

TEXT = "Nobody can answer this now. We shall call you back."

RECOVERY = {"recovery": {"stable": "1s", "dwell": "0s"}}
"""Each primary dies again and again here, and each flap doubles the time until an agent returns to it: to a minute at most, and not to three."""

COUNTER = Agent("counter", ("counter-large", "counter-small"), RECOVERY, every_s=0.4)
"""Stopped 2 s after the lease: the usual grace of a run of minutes."""

MAIL = Agent(
    "mail", ("mail-large", "mail-small"), RECOVERY | {"grace": "20s", "safe_state": "human_queue"}, every_s=0.4
)
"""Goes on for long, and then its requests wait for a person."""

PORTER = Agent(
    "porter",
    ("porter-large", "porter-small"),
    RECOVERY | {"grace": "6s", "safe_state": {"templated_reply": {"text": TEXT}}},
    every_s=0.4,
)
"""Answers with a text that governance signed when no model may."""

VAULT = Agent("vault", ("vault-large", "vault-small"), RECOVERY | {"grace": "0s"}, every_s=0.4)
"""Not kept for a moment after the lease."""

AGENTS = (COUNTER, MAIL, PORTER, VAULT)

CAST = Cast(AGENTS, tuple(Actor(model) for agent in AGENTS for model in agent.ladder))
