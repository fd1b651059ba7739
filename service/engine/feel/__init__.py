"""FEEL, the expression language of DMN: read by a grammar, compiled to closures, evaluated within a budget."""
