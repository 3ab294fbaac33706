"""The reaction's bench on a real broker: a few rounds, with the services and the bare hops as processes."""

import asyncio

from interlock.trials.bench.reaction.figures import WAY
from interlock.trials.bench.reaction.run import Plan, run

ROUNDS = 3


def test_a_verdict_is_followed_to_its_enforcement_beside_bare_hops(real_kafka, tmp_path):
    told = []
    figures = asyncio.run(run(Plan(ROUNDS, tmp_path, real_kafka), lambda *progress: told.append(progress)))
    assert (figures["rounds"], figures["own_brokers"]) == (ROUNDS, False)
    assert figures["profile"].keys() == {name for name, _ in WAY}
    assert all(took["p50_ms"] > 0 for took in figures["profile"].values())
    assert figures["bare_2_hops"]["p50_ms"] > 0
    assert figures["bytes"]["verdict"] < figures["bytes"]["order"] < figures["bytes"]["audit"]
    assert ("measuring", ROUNDS + 5, ROUNDS + 5) in told
