"""What an editor needs to know of a workspace: the schemas in `.schemas/`, and in each file the line that names its own.

Any editor with a YAML language server reads that line; nothing of ours does.
"""

import json
from dataclasses import replace
from pathlib import Path

from interlock.policy.authoring.schema import schemas
from interlock.runtime.founding import Plan
from interlock.runtime.workspace import Workspace

_FOLDER = ".schemas"


def write_schemas(workspace: Workspace) -> list[Path]:
    """Write the schemas, or write them again after an upgrade.

    Raises:
        ConfigurationError: They cannot be written.
    """
    return [
        workspace.write(workspace.directory / _FOLDER / _file(kind), f"{json.dumps(schema, indent=2)}\n")
        for kind, schema in schemas().items()
    ]


def with_schemas(plan: Plan) -> Plan:
    """The plan, with the line in every text."""
    return replace(
        plan,
        registry=_line("registry", "") + plan.registry,
        evidence={name: _line("evidence", "../") + text for name, text in plan.evidence.items()},
        policies={name: _line("policy", "../") + text for name, text in plan.policies.items()},
    )


def _line(kind: str, up: str) -> str:
    return f"# yaml-language-server: $schema={up}{_FOLDER}/{_file(kind)}\n"


def _file(kind: str) -> str:
    return f"{kind}.schema.json"
