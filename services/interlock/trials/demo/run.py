"""The whole demo: a broker, the scene, the story, the evidence, the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.trials.broker import broker_at
from interlock.trials.demo.director import Director, Meanwhile, Notes
from interlock.trials.demo.evidence import Evidence
from interlock.trials.demo.gather import gather
from interlock.trials.demo.scene import open_scene
from interlock.trials.demo.story import tell_story
from interlock.trials.demo.view import View


@dataclass(frozen=True, slots=True)
class Staging:
    """How the story is staged.

    Attributes:
        folder: An empty folder for all files of the run, logs included.
        bootstrap: A real broker; None for an embedded one.
        doubles: By service, the module that runs instead of it.
        meanwhile: What else happens in a chapter.
    """

    folder: Path
    bootstrap: str | None = None
    doubles: Mapping[str, str] | None = None
    meanwhile: Meanwhile | None = None


async def play(staging: Staging, view: View) -> Evidence:
    """Play the story once and gather the evidence; everything started is stopped again.

    Raises:
        ConfigurationError: Something that is needed cannot be used.
        InfrastructureError: The broker cannot be reached, or a process ended; its last words are in the error.
    """
    async with broker_at(staging.bootstrap) as broker:
        view.say("Starting the broker, model servers, services and a webhook receiver, each a process of its own")
        async with open_scene(staging.folder, broker, staging.doubles or {}) as scene:
            director = Director(scene, view.say, staging.meanwhile or {}, Notes())
            async with view.watching(scene):
                await tell_story(director)
            view.say("Gathering the evidence and stopping everything")
            return await gather(scene, director.notes)
