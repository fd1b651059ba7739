/* The tools of the editors: their words in the reader's language, and the keyboard, which few of them hear. */
"use strict";

const SPOKEN = ["title", "placeholder", "aria-label"];
/* What people write, in which a word of the tools stays as it is. */
const WRITTEN =
  "svg, textarea, .cm-editor, [contenteditable], .bio-properties-panel-header-label, .bio-properties-panel-collapsible-entry-header-title," +
  " .input-label, .output-label, .input-expression, .dmn-definitions, tbody td, .item, .fjs-form-container label, .fjs-form-field-text, .fjs-form-field-description";

function translating(words) {
  return { translate: ["value", (text, places = {}) => (words[text] ?? text).replace(/{([^}]+)}/g, (all, name) => places[name] ?? all)] };
}

/* Reads a text of a tool in other words; what stands in places of a text is read, too. */
function translator(words) {
  const patterns = Object.keys(words).filter((text) => text.includes("{"));
  const expressions = patterns.map((text) => [new RegExp(`^${text.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/{(\w+)}/g, "(?<$1>.+)")}$`), words[text]]);
  return function read(text) {
    const plain = text.trim();
    if (!plain || !/[a-z]/i.test(plain)) return text;
    if (Object.hasOwn(words, plain)) return text.replace(plain, () => words[plain]);
    for (const [expression, other] of expressions) {
      const found = expression.exec(plain);
      if (found) return other.replace(/{(\w+)}/g, (_, name) => read(found.groups[name]));
    }
    return text;
  };
}

/* Keeps the tools within a box in the reader's words, for editors that have no service for it. */
function keepInWords(box, words) {
  if (!Object.keys(words).length) return;
  const read = translator(words);
  const mend = (node) => {
    if (node.nodeType === Node.TEXT_NODE) {
      const now = node.parentElement?.closest(WRITTEN) ? node.data : read(node.data);
      if (now !== node.data) node.data = now;
      return;
    }
    for (const name of node.nodeType === Node.ELEMENT_NODE ? SPOKEN : []) {
      const text = node.getAttribute(name), now = text && read(text);
      if (text !== now) node.setAttribute(name, now);
    }
    node.childNodes.forEach(mend);
  };
  const watch = (changes) => changes.forEach(({ type, target, addedNodes }) => (type === "childList" ? addedNodes.forEach(mend) : mend(target)));
  new MutationObserver(watch).observe(box, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: SPOKEN });
  mend(box);
}

/* The palette and the pad of a modeler by Tab and Enter; what a palette makes goes where the chosen element leads. */
class Keys {
  constructor(box, modeler) {
    Object.assign(this, { box, modeler });
    const create = modeler.get("create"), { start } = create;
    create.start = (event, made, ...others) => (event.type === "keydown" ? this.place([made].flat()) : start.call(create, event, made, ...others));
    new MutationObserver(() => this.reach()).observe(box, { subtree: true, childList: true });
    box.addEventListener("keydown", (event) => this.press(event));
    this.reach();
  }

  reach() {
    for (const entry of this.box.querySelectorAll(".djs-palette .entry:not([tabindex]), .djs-context-pad .entry:not([tabindex])")) {
      Object.assign(entry, { tabIndex: 0, role: "button", ariaLabel: entry.title || entry.querySelector("[title]")?.title || "" });
    }
  }

  press(event) {
    const entry = event.target.closest(".entry");
    if (!entry || !["Enter", " "].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    if (entry.dataset.action === "connect") document.getElementById("panel-connect")?.focus();
    else this.modeler.get(entry.closest(".djs-palette") ? "palette" : "contextPad").trigger("click", event);
  }

  /* On a chosen flow, after a chosen element, else in the middle of what is seen. */
  place(shapes) {
    const [chosen] = this.modeler.get("selection").get(), [shape] = shapes, modeling = this.modeler.get("modeling");
    const isStep = shape.businessObject.$instanceOf("bpmn:FlowNode");
    if (chosen?.waypoints && isStep) modeling.createElements(shapes, middleOf(chosen.waypoints), chosen);
    else if (chosen?.businessObject.$instanceOf("bpmn:FlowNode") && isStep && !shape.incoming.length && shapes.length === 1 && shape.type !== "bpmn:StartEvent")
      this.modeler.get("autoPlace").append(chosen, shape);
    else modeling.createElements(shapes, this.seen(), this.ground());
    this.modeler.get("selection").select(shape);
    this.modeler.get("canvas").scrollToElement(shape);
  }

  seen() {
    const { x, y, width, height } = this.modeler.get("canvas").viewbox();
    return { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };
  }

  /* The process, within its participant where there is one. */
  ground() {
    const root = this.modeler.get("canvas").getRootElement();
    return root.children.find(({ type }) => type === "bpmn:Participant") ?? root;
  }
}

/* The point half along a line. */
function middleOf(points) {
  const parts = points.slice(1).map((end, n) => ({ from: points[n], end, length: Math.hypot(end.x - points[n].x, end.y - points[n].y) }));
  let rest = parts.reduce((sum, { length }) => sum + length, 0) / 2;
  for (const { from, end, length } of parts) {
    if (rest <= length) return { x: Math.round(from.x + ((end.x - from.x) * rest) / (length || 1)), y: Math.round(from.y + ((end.y - from.y) * rest) / (length || 1)) };
    rest -= length;
  }
  return points[0];
}
