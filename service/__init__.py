"""Anpei 安培: safety-training certification, run by BPMN diagrams."""

__version__ = "0.1.0"
