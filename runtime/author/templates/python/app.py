"""Joins the tool to the host: JSON in, JSON out."""

import json
from pathlib import Path

import wit_world
from componentize_py_types import Err
from wit_world.imports import files, log
from wit_world.imports.types import Failure

import tool

# Read once, when the component is built.
MANIFEST = (Path(__file__).parent / "manifest.json").read_text(encoding="utf-8")


class Host:
    """What the tool uses of the host."""

    def info(self, line: str) -> None:
        log.write(log.Level.INFO, line)

    def read_text(self, root: str, path: str) -> str:
        return files.read(root, path).decode("utf-8")


class WitWorld(wit_world.WitWorld):
    def describe(self) -> str:
        return MANIFEST

    # `call_id` is the same for every attempt at the same call: an idempotency key for what changes something outside.
    def invoke(self, call_id: str, input: str) -> str:
        try:
            return json.dumps(tool.count(json.loads(input), Host()), ensure_ascii=False)
        except tool.ToolFailure as failure:
            raise Err(Failure(failure.code, str(failure), failure.retryable)) from failure
