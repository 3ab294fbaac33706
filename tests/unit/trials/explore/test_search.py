from dataclasses import replace

from interlock.router.core import renew
from interlock.trials.explore import invariants, router
from interlock.trials.explore.product import Product, follow, running
from interlock.trials.explore.remembered import remembered
from interlock.trials.explore.search import Search
from interlock.trials.explore.worlds import full, withheld


def test_states_that_differ_only_in_which_of_two_like_parts_is_which_are_one():
    with remembered():
        product = Product(full())
        first = product.first()
        one = follow(product, first, [(3, "is shown that")])
        other = follow(product, first, [(4, "is shown that")])
        assert one != other
        search = Search(product, 10_000)
        search._found(one, -1, 0, 0)
        search._found(other, -1, 0, 0)
        assert len(search._states) == 1


def test_a_violation_is_told_by_its_shortest_story_with_the_names_of_who_acted(monkeypatch):
    def no_birch(world, router, served, t):
        if any(model == "birch" for _, model, _ in served):
            raise invariants.Broken("S0", "birch serves")

    monkeypatch.setattr(invariants, "serves_only_admissible", no_birch)
    world = replace(full(), thefts=0, group=False, losses=False, restarts=False, deaths=False, owners=1)
    with remembered():
        product = Product(world)
        found = Search(product, 100_000).run(running(product)).violation
    assert (found.invariant, found.detail) == ("S0", "birch serves")
    assert len(found.story) == 4
    assert found.story[0] == "decision 1 hears that atlas is unavailable"
    assert [line.split(" is shown ")[0] for line in found.story[-1:]] in (["router 1"], ["router 2"])
    assert "to birch" in found.story[-1]


def test_a_small_world_is_looked_at_to_its_end():
    world = replace(withheld(), moments=(0, 5, 10), log=8)
    with remembered():
        product = Product(world)
        found = Search(product, 100_000).run(running(product))
    assert found.whole
    assert found.violation is None
    assert found.states > 100


def test_a_core_that_raises_breaks_an_invariant(monkeypatch):
    def explode(state, sealed, shard, now):
        raise KeyError(shard)

    with remembered():
        product = Product(full())
        warm = running(product)
        product.routers._known.clear()
        monkeypatch.setattr(router, "accept", explode)
        found = Search(product, 1_000).run(warm).violation
    assert found.invariant == "total"
    assert "KeyError" in found.detail


def test_what_was_remembered_is_forgotten_at_the_end():
    from interlock.records import sealing  # noqa: PLC0415
    from interlock.router.core import accept  # noqa: PLC0415

    before = accept.open_sealed
    with remembered():
        assert accept.open_sealed is not before
    assert accept.open_sealed is before is sealing.open_sealed


def test_a_router_that_compares_no_heads_is_found_to_serve_what_was_revoked(monkeypatch):
    monkeypatch.setattr(renew, "_known", lambda *_: True)
    with remembered():
        product = Product(withheld())
        found = Search(product, 50_000).run(running(product)).violation
    assert found.invariant == "S5"
    assert "safety denies atlas" in found.detail
    assert found.story[-1] == "5 s pass"
