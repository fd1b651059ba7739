"""Names in drawn diagrams, as a browser draws them: none lies on another, or on a shape that is not its own, and no English word is broken."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from service.config import CHECKOUT
from tests.browser.tab import sign_in
from tests.process.small_process import person

pytestmark = pytest.mark.browser

CROWDED = r"""
() => {
  const drawn = document.querySelector("[data-ready]").diagram;
  const rect = (one) => one.getBoundingClientRect();
  const wide = (one) => /Lane|Participant|SubProcess/.test(one.type);
  const registry = drawn.registry;
  const labels = [], shapes = [];
  for (const one of registry.getAll()) {
    const text = registry.getGraphics(one)?.querySelector(":scope > .djs-visual text");
    if (one.type === "label") { if (text?.textContent) labels.push({ id: one.businessObject.id, host: one.labelTarget.host?.id, box: rect(text) }); }
    else if (one.width && !one.waypoints && !wide(one)) shapes.push({ id: one.id, box: rect(registry.getGraphics(one).querySelector(".djs-visual > :first-child")) });
  }
  const broken = [];
  for (const one of registry.getAll()) {
    const words = new Set((one.businessObject?.name ?? "").split(/\s+/));
    const lines = [...(registry.getGraphics(one)?.querySelectorAll(":scope > .djs-visual text tspan") ?? [])].map((line) => line.textContent.trim());
    for (const word of lines.flatMap((line) => line.split(/\s+/))) if (/^[\x21-\x7e]+$/.test(word) && !words.has(word)) broken.push(`${one.id}: ${word}`);
  }
  const zoom = drawn.canvas.zoom(), by = 1.5 * zoom;
  const meets = (a, b) => a.left < b.right - by && b.left < a.right - by && a.top < b.bottom - by && b.top < a.bottom - by;
  const found = broken;
  labels.forEach((a, n) => {
    for (const b of labels.slice(n + 1)) if (meets(a.box, b.box)) found.push(`${a.id} on ${b.id}`);
    for (const b of shapes) if (b.id !== a.id && b.id !== a.host && meets(a.box, b.box)) found.push(`${a.id} on shape ${b.id}`);
  });
  return found;
}
"""


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_label_of_a_shipped_diagram_lies_on_another_or_on_a_shape(
    page: Page, app: Flask, clock: Any, language: str
) -> None:
    sign_in(page, app, person("processes", "process_admin"), language=language)
    found = {}
    for file in sorted((CHECKOUT / "processes").glob("*.bpmn")):
        page.goto(f"/processes/{file.stem}")
        page.wait_for_selector("[data-ready]")
        found[file.stem] = page.evaluate(CROWDED)
    assert {key: pairs for key, pairs in found.items() if pairs} == {}
