"""Commands that people type: the command line itself, as a process of its own in the deployment's folder."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from interlock.runtime.workspace import Workspace
from interlock.trials.processes import die_with_parent, inherited
from interlock.trials.witness import NotSeen

COMMAND_LINE = "interlock.cli"

TYPED_S_MAX = 120.0
"""Longer than a command takes to start, to read the log, and to wait for its answer, on a machine that others use up, too."""


async def typed(workspace: Workspace, *words: str, module: str = COMMAND_LINE) -> Mapping[str, Any]:
    """Type a command; what it answers to programs.

    Args:
        workspace: The deployment's folder.
        words: What is typed after `interlock`.
        module: What runs instead of the command line: a double.

    Raises:
        NotSeen: It did not end in time, or its answer is no document.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module, *words, "--json"),
        cwd=workspace.directory,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=inherited(),
        preexec_fn=die_with_parent,
    )
    try:
        async with asyncio.timeout(TYPED_S_MAX):
            out, err = await process.communicate()
    except TimeoutError:
        raise NotSeen(f"`interlock {words[0]}` did not end within {TYPED_S_MAX:g} s.", "Try it by hand.") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return _document(words[0], out, err)


def _document(command: str, out: bytes, err: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(out)
    except ValueError:
        said = err.decode("utf-8", "replace")[-2_000:]
        raise NotSeen(f"`interlock {command}` answered no document. It said: {said}", "Try it by hand.") from None
    return document if isinstance(document, dict) else {}
