"""The settings of nodes, as far as they go without starting one."""

import socket
from pathlib import Path

import pytest

from interlock.brokers import nodes
from interlock.vocabulary.errors import ConfigurationError


@pytest.fixture
def formatted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Which folders were formatted, and for which cluster; the jars are not needed."""
    done: list[tuple[str, str]] = []

    def format_(settings: Path, identity: str) -> None:
        done.append((settings.parent.name, identity))
        (settings.parent / "records").mkdir()
        (settings.parent / "records" / "meta.properties").touch()

    monkeypatch.setattr(nodes, "_format", format_)
    return done


def settings_of(node: nodes.Node) -> dict[str, str]:
    lines = (node.folder / "server.properties").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_of_three_any_one_may_be_lost(formatted: list[tuple[str, str]], tmp_path: Path) -> None:
    prepared = nodes.prepare(tmp_path, brokers=3, port=None)
    every = [settings_of(node) for node in prepared]
    assert [each["node.id"] for each in every] == ["1", "2", "3"]
    assert len({each["controller.quorum.voters"] for each in every}) == 1
    for each in every:
        assert (each["default.replication.factor"], each["min.insync.replicas"]) == ("3", "2")
        assert {each[name] for name in each if name.endswith("replication.factor")} == {"3"}
        assert {each[name] for name in each if name.endswith("min.isr")} == {"2"}
        assert each["unclean.leader.election.enable"] == "false"


def test_one_needs_nobody_else(formatted: list[tuple[str, str]], tmp_path: Path) -> None:
    (node,) = nodes.prepare(tmp_path, brokers=1, port=None)
    its = settings_of(node)
    assert (its["default.replication.factor"], its["min.insync.replicas"]) == ("1", "1")
    assert node.address in its["advertised.listeners"]


def test_nodes_bear_one_clusters_name_and_are_formatted_once(formatted: list[tuple[str, str]], tmp_path: Path) -> None:
    nodes.prepare(tmp_path, brokers=3, port=None)
    nodes.prepare(tmp_path, brokers=3, port=None)
    assert [name for name, _ in formatted] == ["node-1", "node-2", "node-3"]
    assert len({identity for _, identity in formatted}) == 1
    assert nodes.brokers_in(tmp_path) == 3


def test_the_first_takes_the_port_that_is_asked_for_and_the_others_the_next(
    formatted: list[tuple[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes.Node, "listens", False)  # whoever has these ports on this machine
    prepared = nodes.prepare(tmp_path, brokers=3, port=19_092)
    assert [node.port for node in prepared] == [19_092, 19_093, 19_094]
    assert nodes.bootstrap_of(prepared) == "127.0.0.1:19092,127.0.0.1:19093,127.0.0.1:19094"


def test_a_port_that_is_taken_is_said(formatted: list[tuple[str, str]], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigurationError, match="in use"):
        nodes.prepare(tmp_path, brokers=1, port=taken.getsockname()[1])


@pytest.mark.parametrize(("held", "asked"), [(1, 3), (3, 1)])
def test_a_cluster_keeps_its_size(formatted: list[tuple[str, str]], tmp_path: Path, held: int, asked: int) -> None:
    nodes.prepare(tmp_path, brokers=held, port=None)
    with pytest.raises(ConfigurationError, match=f"holds a cluster of {held}, and {asked} were asked for"):
        nodes.prepare(tmp_path, brokers=asked, port=None)


def test_two_are_no_cluster(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="Ask for 1 or for 3"):
        nodes.prepare(tmp_path, brokers=2, port=None)
