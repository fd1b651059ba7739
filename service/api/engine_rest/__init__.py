"""``/engine-rest``: the dialect of Camunda 7."""
