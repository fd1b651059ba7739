/* A BPMN diagram to look at: colours of the theme, lanes quiet, marks and counts. Needs bpmn-js (window.BpmnJS). */
"use strict";

/* The font must be named: bpmn-js measures on a canvas, which knows no CSS variables. Chinese names are short, so 18 px fit. */
const CJK = '"Microsoft YaHei", "PingFang SC", "Noto Sans SC", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif';
const MARKS = ["is-done", "is-active", "is-incident", "heat-1", "heat-2", "heat-3", "heat-4", "heat-5"];

const WIDE = /Lane|Participant|SubProcess|Transaction/;

class Diagram {
  constructor(box) {
    this.box = box;
    box.diagram = this;
    this.names = JSON.parse(box.dataset.names || "{}");
    const [inside, beside] = Object.keys(this.names).length ? [13.5, 13.5] : [16, 15]; // words of other languages are long
    this.viewer = new BpmnJS({
      container: box,
      bpmnRenderer: { defaultFillColor: "var(--panel)", defaultStrokeColor: "var(--ink-2)", defaultLabelColor: "var(--ink)" },
      textRenderer: { defaultStyle: { fontFamily: CJK, fontSize: inside, lineHeight: 1.2 }, externalStyle: { fontSize: beside, lineHeight: 1.15 } },
    });
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

  /* Names in the reader's language; labels beside events and flows look for room for longer words. */
  translate() {
    const events = this.viewer.get("eventBus");
    for (const shape of this.registry.getAll()) {
      const object = shape.businessObject;
      const name = object && this.names[object.name];
      if (name) object.name = name;
    }
    if (!Object.keys(this.names).length) return;
    const labels = this.registry.filter((shape) => shape.type === "label" && shape.businessObject.name);
    const shapes = this.registry.filter((one) => one.width && one.type !== "label" && !one.waypoints && !WIDE.test(one.type));
    const lines = this.registry.filter((one) => one.waypoints).flatMap(pieces);
    for (let round = 0; round < 3; round++)
      for (const label of labels) if (/[A-Za-z]/.test(label.businessObject.name)) this.settle(label, [...shapes, ...labels], lines);
    for (const shape of this.registry.getAll()) if (shape.parent) events.fire("element.changed", { element: shape });
  }

  /* Put a label where it lies on nothing: as near to where it is drawn as can be, in one line or in several. */
  settle(label, solid, lines) {
    const drawn = (label.drawn ??= { x: label.x + label.width / 2, y: label.y + label.height / 2 });
    let best = null, least = Infinity;
    for (const { width, height } of (label.sizes ??= this.sizes(label.businessObject.name)))
      for (const [x, y] of spots(label.labelTarget, drawn, width, height)) {
        const box = { x, y, width, height }, away = Math.hypot(x + width / 2 - drawn.x, y + height / 2 - drawn.y);
        if (away >= least) continue;
        const covered = solid.reduce((sum, one) => sum + (one === label ? 0 : shared(box, one, 2)), 0);
        const cost = away + 50 * covered + 2 * lines.reduce((sum, one) => sum + shared(box, one, 0), 0);
        if (cost < least) [best, least] = [box, cost];
      }
    Object.assign(label, best);
  }

  /* The room that a name needs in one line or in several; no word is broken. */
  sizes(name) {
    const text = this.viewer.get("textRenderer"), word = Math.max(...name.split(" ").map((one) => one.length)) * 9;
    return [60, 90, 130, 190].map((room) => {
      const { width, height } = text.getExternalLabelBounds({ x: 0, y: 0, width: Math.max(room, word), height: 0 }, name);
      return { width: width + 12, height };
    });
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

/* The places around what a label names, and around where it was drawn: the left top corners. */
function* spots(target, drawn, width, height) {
  for (const dx of [0, -30, 30]) for (const dy of [0, -20, 20]) yield [drawn.x - width / 2 + dx, drawn.y - height / 2 + dy];
  for (const { x, y, width: w, height: h } of target.waypoints ? pieces(target) : [target])
    for (const left of [x + (w - width) / 2, x - width - 4, x + w + 4, x + w / 2 + 4, x + w / 2 - width - 4])
      for (const top of [y + (h - height) / 2, y - height - 3, y + h + 3, y - height - 18, y + h + 18, y - height - 34, y + h + 34]) yield [left, top];
}

/* The pieces of a flow as thin boxes. */
function pieces({ waypoints }) {
  return waypoints.slice(1).map((b, n) => {
    const a = waypoints[n];
    return { x: Math.min(a.x, b.x) - 1, y: Math.min(a.y, b.y) - 1, width: Math.abs(a.x - b.x) + 2, height: Math.abs(a.y - b.y) + 2 };
  });
}

/* The area that two boxes share, a margin around them counted. */
function shared(a, b, margin) {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) + margin;
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) + margin;
  return width > 0 && height > 0 ? width * height : 0;
}

async function fetchText(address) {
  const answer = await fetch(address, { headers: { "X-Background": "1" } });
  if (!answer.ok) throw new Error(`${answer.status} ${address}`);
  return answer.text();
}
