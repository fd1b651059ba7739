"""Deployment checks: what the engine would execute otherwise than BPMN 2.0 says is refused, with line and remedy."""
