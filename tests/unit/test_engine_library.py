"""The engine extends SpiffWorkflow by subclasses and instances of its own: no attribute of SpiffWorkflow is changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_COMPARE = """
import importlib, json, pkgutil, sys
import SpiffWorkflow

def attributes():
    found = {}
    for name in names:
        module = sys.modules[name]
        for key, value in vars(module).items():
            found[name, key] = value
            if isinstance(value, type) and value.__module__ == name:
                for inner, attribute in vars(value).items():
                    found[name, key, inner] = attribute
                    if isinstance(attribute, dict | list | set):
                        found[name, key, inner, "items"] = repr(attribute)
    return {key: value for key, value in found.items() if not key[-1].startswith("__")}

def changes():
    after, missing = attributes(), object()
    keys = sorted(before.keys() | after.keys())
    pairs = [(key, before.get(key, missing), after.get(key, missing)) for key in keys]
    return [".".join(key) for key, old, new in pairs if old is not new and old != new]

names = []
for found in pkgutil.walk_packages(SpiffWorkflow.__path__, "SpiffWorkflow."):
    try:
        importlib.import_module(found.name)
    except ImportError:  # an extra of SpiffWorkflow that is not installed
        continue
    names.append(found.name)
before = attributes()
from service.engine import read_definition, replay
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_walk import Walk
for drawn in SHAPES:
    definition = read_definition(drawn.files, drawn.name, validate=False)
    assert replay.re_execute(Walk(definition, 1, drawn.data).run(10).rows, lambda digest: definition) == []
found = changes()
sys.modules["SpiffWorkflow.task"].Task.cancel = lambda task: None
print(json.dumps([len(names), found, changes()]))
"""


def test_spiffworkflow_is_as_it_was_after_the_engine_has_run_every_shape() -> None:
    command = [sys.executable, "-c", _COMPARE]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=dict(os.environ))
    modules, found, found_after_a_patch = json.loads(done.stdout)
    assert modules > 100
    assert found == []
    assert found_after_a_patch == ["SpiffWorkflow.task.Task.cancel"]
