"""Walks of unmodified SpiffWorkflow, in a process that never imports the engine: diagrams in, open tasks out, by JSON."""

import json
import random
import sys

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.util.task import TaskState


def walk(spec, inner, values, seed):
    """[element completed or None, data given, names then open] for each input, and whether the case ended."""
    chance = random.Random(seed)
    flow, told, chosen = BpmnWorkflow(spec, inner), [], None
    task = flow.task_tree
    for _ in range(30):
        given = {key: chance.choice(known) for key, known in sorted(values.items())}
        task.data.update(given)
        if chosen is not None:
            task.run()
        flow.do_engine_steps()
        ready = flow.get_tasks(state=TaskState.READY, manual=True)
        told.append([chosen, given, sorted(task.task_spec.name for task in ready)])
        if not ready:
            break
        task = chance.choice(sorted(ready, key=lambda task: (task.task_spec.name, str(task.id))))
        chosen = task.task_spec.name
    return told, flow.is_completed()


def main():
    found = {}
    for name, (text, values) in json.load(sys.stdin).items():
        parser = BpmnParser()
        parser.add_bpmn_str(text.encode())
        spec, inner = parser.get_spec(name), parser.get_subprocess_specs(name)
        found[name] = [walk(spec, inner, values, seed) for seed in range(12)]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
