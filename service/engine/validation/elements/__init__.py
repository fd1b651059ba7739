"""Rules for kinds of elements, as BPMN says and the engine executes them."""
