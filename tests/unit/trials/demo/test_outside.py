import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from interlock.runtime.workspace import Workspace
from interlock.trials.demo.cast import ACTORS
from interlock.trials.demo.outside import ModelServers
from interlock.trials.stage import Stage
from interlock.vocabulary.time import SECOND, Micros


class Started:
    """Takes down what would have been started."""

    def __init__(self) -> None:
        self.arguments: dict[str, tuple[str, ...]] = {}

    async def start(self, name: str, _module: str, *arguments: str, url: str) -> None:
        self.arguments[name] = arguments

    async def ready(self, *_names: str) -> None:
        return


def servers(folder: Path) -> tuple[ModelServers, Started]:
    started = Started()
    stage = cast("Stage", SimpleNamespace(workspace=Workspace(folder), processes=started))
    ports = {actor.model: 9 for actor in ACTORS}
    return ModelServers(stage, ports, {actor.variable: "-begins-with-a-dash" for actor in ACTORS}), started


def write(folder: Path, model: str, *lines: Any) -> None:
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / f"{model}.jsonl").write_text(f'{text}{{"at": 3.0, "us', "utf-8")


async def test_requests_are_counted_by_user_and_time_from_the_lines_that_are_whole(tmp_path: Path) -> None:
    model = ACTORS[0].model
    seen = [{"at": at, "user": user} for at, user in ((1.0, "a"), (2.0, "a"), (2.5, "b"), (3.0, "a"))]
    write(tmp_path, model, {"listening": "http://127.0.0.1:9"}, *seen)
    models, _ = servers(tmp_path)
    async with models:
        assert models.asked(model, "a", Micros(0), None) == 3
        assert models.asked(model, "a", Micros(2 * SECOND), Micros(3 * SECOND)) == 1


async def test_what_comes_late_has_counted_nothing_before_it_is_started(tmp_path: Path) -> None:
    late = next(actor.model for actor in ACTORS if actor.late)
    models, started = servers(tmp_path)
    async with models:
        assert late not in started.arguments
        assert models.asked(late, "a", Micros(0), None) == 0
        await models.start_late()
    assert started.arguments.keys() == {actor.model for actor in ACTORS}


async def test_a_credential_may_begin_with_a_dash(tmp_path: Path) -> None:
    models, started = servers(tmp_path)
    async with models:
        assert all("--credential=-begins-with-a-dash" in words for words in started.arguments.values())
