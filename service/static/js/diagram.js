/* A BPMN diagram to look at: colours of the theme, lanes quiet, marks and counts. Needs bpmn-js (window.BpmnJS). */
"use strict";

/* The font must be named: bpmn-js measures on a canvas, which knows no CSS variables. Chinese names are short, so 18 px fit. */
const CJK = '"Microsoft YaHei", "PingFang SC", "Noto Sans SC", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif';
const MARKS = ["is-done", "is-active", "is-incident", "heat-1", "heat-2", "heat-3", "heat-4", "heat-5"];

class Diagram {
  constructor(box) {
    this.box = box;
    this.viewer = new BpmnJS({
      container: box,
      bpmnRenderer: { defaultFillColor: "var(--panel)", defaultStrokeColor: "var(--ink-2)", defaultLabelColor: "var(--ink)" },
      textRenderer: { defaultStyle: { fontFamily: CJK, fontSize: 16, lineHeight: 1.2 }, externalStyle: { fontSize: 15, lineHeight: 1.15 } },
    });
    this.names = JSON.parse(box.dataset.names || "{}");
  }

  async open(xml) {
    await this.viewer.importXML(xml);
    this.canvas = this.viewer.get("canvas");
    this.overlays = this.viewer.get("overlays");
    this.registry = this.viewer.get("elementRegistry");
    for (const shape of this.registry.getAll()) if (/Lane$|Participant$/.test(shape.type)) this.canvas.addMarker(shape.id, "is-lane");
    this.translate();
    for (const svg of this.box.querySelectorAll(".djs-container > svg")) {
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", this.box.getAttribute("aria-label"));
    }
    this.fit();
    this.box.dataset.ready = "1";
  }

  /* Names in the reader's language; labels beside events get room for longer words. */
  translate() {
    const events = this.viewer.get("eventBus");
    for (const shape of this.registry.getAll()) {
      const object = shape.businessObject;
      const name = object && this.names[object.name];
      if (name) object.name = name;
    }
    for (const shape of Object.keys(this.names).length ? this.registry.getAll() : []) {
      if (shape.type === "label" && /[A-Za-z]/.test(shape.businessObject.name ?? "")) widen(shape);
      if (shape.parent) events.fire("element.changed", { element: shape });
    }
  }

  has(id) {
    return Boolean(this.registry.get(id));
  }

  typeOf(id) {
    return this.registry.get(id)?.type ?? "";
  }

  zoom(how) {
    if (how === "fit") this.canvas.zoom("fit-viewport", "auto");
    else this.canvas.zoom(this.canvas.zoom() * (how === "in" ? 1.25 : 0.8), "auto");
  }

  /* All of it; on a narrow screen, or when it would be too small to read, only around `ids`. */
  fit(ids = []) {
    this.canvas.zoom("fit-viewport", "auto");
    const shapes = ids.map((id) => this.registry.get(id)).filter((shape) => shape && shape.width);
    if (this.canvas.zoom() >= 0.5 || !shapes.length) return;
    const left = Math.min(...shapes.map((s) => s.x)), right = Math.max(...shapes.map((s) => s.x + s.width));
    const top = Math.min(...shapes.map((s) => s.y)), bottom = Math.max(...shapes.map((s) => s.y + s.height));
    const zoom = 0.62, size = this.canvas.getSize();
    const width = size.width / zoom, height = size.height / zoom;
    this.canvas.viewbox({ x: (left + right - width) / 2, y: (top + bottom - height) / 2, width, height });
  }

  /* Move what is looked at, when one of `ids` is outside of it, to them all; the zoom stays where it can. */
  reveal(ids) {
    const shapes = ids.map((id) => this.registry.get(id)).filter((shape) => shape && shape.width);
    if (!shapes.length) return;
    const box = this.canvas.viewbox();
    const left = Math.min(...shapes.map((s) => s.x)), right = Math.max(...shapes.map((s) => s.x + s.width));
    const top = Math.min(...shapes.map((s) => s.y)), bottom = Math.max(...shapes.map((s) => s.y + s.height));
    if (left >= box.x && right <= box.x + box.width && top >= box.y && bottom <= box.y + box.height) return;
    const most = Math.max((right - left) / box.width, (bottom - top) / box.height, 1) * 1.02;
    const width = box.width * most, height = box.height * most;
    this.canvas.viewbox({ x: (left + right - width) / 2, y: (top + bottom - height) / 2, width, height });
  }

  clear() {
    for (const shape of this.registry.getAll()) for (const mark of MARKS) this.canvas.removeMarker(shape.id, mark);
    this.overlays.clear();
  }

  mark(id, mark) {
    if (this.has(id)) this.canvas.addMarker(id, mark);
  }

  pin(id, css, text, title, position = { top: -14, right: 14 }) {
    const shape = this.registry.get(id);
    if (!shape || shape.waypoints) return;
    const pin = document.createElement("span");
    pin.className = `pin ${css}`;
    pin.textContent = text;
    pin.title = title;
    this.overlays.add(id, { position, html: pin, scale: { min: 0.62, max: 1 } });
  }

  /* The flows that tokens took in these steps, as the journal tells. */
  markFlows(steps) {
    for (const { flows } of steps) for (const id of flows) this.mark(id, "is-done");
  }
}

/* As wide as its longest word, or as a line of some twelve letters; it grows away from what it names. */
function widen(label) {
  const { name } = label.businessObject;
  const letters = Math.max(...name.split(" ").map((word) => word.length), Math.min(name.length, 12));
  const more = letters * 9.5 + 6 - label.width;
  if (more <= 0) return;
  const target = label.labelTarget, middle = label.x + label.width / 2;
  if (middle < target.x) label.x -= more;
  else if (!(middle > target.x + target.width)) label.x -= more / 2;
  label.width += more;
}

async function fetchText(address) {
  const answer = await fetch(address, { headers: { "X-Background": "1" } });
  if (!answer.ok) throw new Error(`${answer.status} ${address}`);
  return answer.text();
}
