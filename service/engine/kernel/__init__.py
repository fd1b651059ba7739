"""Plain data, XML, canonical JSON, Camunda extensions and timers that the rest of the engine stands on."""
