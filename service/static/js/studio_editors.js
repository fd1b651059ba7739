/* The editors of the studio: a diagram, a decision table, a form. Each opens a text, says when it changes, gives it back. */
"use strict";

const FONT = '"Microsoft YaHei", "PingFang SC", "Noto Sans SC", "Noto Sans CJK SC", "WenQuanYi Micro Hei", sans-serif';

/* A script that only some files need, loaded once. */
const loaded = {};
function load(address) {
  loaded[address] ??= new Promise((done, failed) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: done, onerror: () => failed(new Error(address)) });
    document.head.append(script);
  });
  return loaded[address];
}

class DiagramEditor {
  constructor(box, { data, dialect, toolWords, changed, forms, panel }) {
    Object.assign(this, { box, data });
    this.modeler = new BpmnJS({
      container: box,
      moddleExtensions: { camunda: dialect },
      bpmnRenderer: { defaultFillColor: "var(--panel)", defaultStrokeColor: "var(--ink-2)", defaultLabelColor: "var(--ink)" },
      textRenderer: { defaultStyle: { fontFamily: FONT, fontSize: 16, lineHeight: 1.2 }, externalStyle: { fontSize: 15, lineHeight: 1.15 } },
      additionalModules: [translating(toolWords)],
    });
    this.changed = changed;
    this.panelOf = () => (this.panel ??= new Panel(panel, this.modeler, data, forms));
  }

  async open(xml) {
    await this.modeler.importXML(xml);
    for (const shape of this.modeler.get("elementRegistry").getAll())
      if (/Lane$|Participant$/.test(shape.type)) this.modeler.get("canvas").addMarker(shape.id, "is-lane");
    this.fit();
    this.keys = new Keys(this.box, this.modeler);
    this.modeler.on("commandStack.changed", this.changed);
  }

  shown() {
    this.modeler.get("canvas").resized();
    this.panelOf().show();
  }

  /* All of it, beside the tools at the left. */
  fit() {
    const canvas = this.modeler.get("canvas"), { inner, outer } = canvas.viewbox(), tools = 140;
    const zoom = Math.min((outer.width - tools - 20) / inner.width, (outer.height - 40) / inner.height, 1), least = Math.max(zoom, 0.45);
    const width = outer.width / least, height = outer.height / least;
    canvas.viewbox({ x: inner.x - tools / least, y: inner.y - Math.max(height - inner.height, 0) / 2, width, height });
  }

  async text() {
    return (await this.modeler.saveXML({ format: true })).xml;
  }

  /* Marks the elements that have findings, with how many. */
  mark(findings) {
    const canvas = this.modeler.get("canvas"), overlays = this.modeler.get("overlays"), registry = this.modeler.get("elementRegistry");
    for (const shape of registry.getAll()) canvas.removeMarker(shape.id, "is-wrong");
    overlays.remove({ type: "finding" });
    const counts = {};
    for (const { element, severity } of findings)
      if (registry.get(element) && severity !== "note") ((counts[element] ??= { refused: 0, warning: 0 })[severity] += 1);
    for (const [element, { refused, warning }] of Object.entries(counts)) {
      if (refused) canvas.addMarker(element, "is-wrong");
      if (registry.get(element).waypoints || !registry.get(element).width) continue;
      const pin = Object.assign(document.createElement("span"), { className: `pin ${refused ? "bad" : "warn"}`, textContent: `! ${refused || warning}` });
      if (refused) overlays.add(element, "finding", { position: { top: -14, right: 14 }, html: pin });
    }
  }

  /* The way of a try-out as far as these moments; the tokens of the last one move when asked to. */
  async trace(moments, isMoving) {
    const walk = (this.walk = {}), last = moments.at(-1), canvas = this.modeler.get("canvas");
    if (last && isMoving && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.paint(moments.slice(0, -1));
      for (const id of last.flows) {
        await this.moveToken(id, Math.min(350, 5000 / last.flows.length));
        if (this.walk !== walk) return;
        canvas.addMarker(id, "is-done");
      }
    }
    this.paint(moments);
  }

  paint(moments) {
    const canvas = this.modeler.get("canvas"), last = moments.at(-1);
    const done = new Set(moments.flatMap(({ passed, flows }) => [...passed, ...flows])), active = new Set((last?.waiting ?? []).map(({ element }) => element));
    for (const { id } of this.modeler.get("elementRegistry").getAll()) {
      canvas[done.has(id) ? "addMarker" : "removeMarker"](id, "is-done");
      canvas[active.has(id) ? "addMarker" : "removeMarker"](id, "is-active");
    }
  }

  /* A token goes along a flow within so many milliseconds. */
  async moveToken(id, duration) {
    const path = this.modeler.get("elementRegistry").getGraphics(id)?.querySelector(".djs-visual > path");
    if (!path) return;
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle"), length = path.getTotalLength();
    dot.setAttribute("r", 11);
    dot.classList.add("moving-token");
    this.modeler.get("canvas").getLayer("tokens", 100).append(dot);
    const places = Array.from({ length: 21 }, (_, n) => path.getPointAtLength((length * n) / 20));
    await dot.animate(places.map(({ x, y }) => ({ transform: `translate(${x}px, ${y}px)` })), { duration }).finished;
    dot.remove();
  }

  nameOf(id) {
    return this.modeler.get("elementRegistry").get(id)?.businessObject.name ?? "";
  }

  locate(id) {
    const shape = this.modeler.get("elementRegistry").get(id);
    this.modeler.get("selection").select(shape?.parent ? shape : []);
    if (shape?.parent) this.modeler.get("canvas").scrollToElement(shape);
  }

  close() {
    this.modeler.destroy();
  }
}

class TableEditor {
  constructor(box, { data, toolWords, changed }) {
    Object.assign(this, { data, toolWords, changed });
    this.box = made("div", { className: "table-editor" });
    box.append(this.box);
    keepInWords(this.box, toolWords);
  }

  async open(xml) {
    await load(this.data.dmn);
    const additionalModules = [translating(this.toolWords)];
    this.modeler = new DmnJS({ container: this.box, drd: { additionalModules }, decisionTable: { additionalModules }, literalExpression: { additionalModules }, boxedExpression: { additionalModules } });
    await this.modeler.importXML(xml);
    const table = this.modeler.getViews().find((view) => view.type === "decisionTable");
    if (table) await this.modeler.open(table);
    const heard = new Set(); // each view of a table has an editor of its own
    const listen = () => {
      const viewer = this.modeler.getActiveViewer();
      if (viewer && !heard.has(viewer)) viewer.on("commandStack.changed", this.changed);
      heard.add(viewer);
    };
    this.modeler.on("views.changed", listen);
    listen();
  }

  async text() {
    return (await this.modeler.saveXML({ format: true })).xml;
  }

  mark() {}
  trace() {}

  /* The cell, column, rule or decision that begins at a line, or before it. */
  async locate(id, line) {
    const { xml } = await this.modeler.saveXML({ format: true }), lines = xml.split("\n").slice(0, line || 0);
    const ids = lines.reverse().flatMap((text) => [...text.matchAll(/ id="([^"]+)"/g)].map((found) => found[1]).reverse());
    const view = this.modeler.getViews().find(({ element }) => element.id === id);
    if (view) await this.modeler.open(view);
    for (const one of ids) {
      const place = this.box.querySelector(`td[data-element-id="${one}"], th[data-col-id="${one}"], td[data-row-id="${one}"]`);
      if (!place) continue;
      for (const old of this.box.querySelectorAll(".is-found")) old.classList.remove("is-found");
      place.classList.add("is-found");
      return place.scrollIntoView({ block: "center", inline: "center" });
    }
  }

  close() {
    this.modeler?.destroy();
  }
}

class FormFileEditor {
  constructor(box, { data, toolWords, changed }) {
    Object.assign(this, { data, toolWords, changed });
    this.box = made("div", { className: "form-editor" });
    const titles = made("div", { className: "form-titles" });
    this.titles = ["title", "title_en"].map((name) => {
      const input = made("input", { name, className: "form-control" }), label = made("label", { textContent: data.words[name] });
      input.addEventListener("input", changed);
      label.append(input);
      titles.append(label);
      return input;
    });
    box.append(titles, this.box);
    keepInWords(this.box, toolWords);
  }

  async open(text) {
    await load(this.data.forms);
    const { FormEditor: Editor } = FormEditor;
    const schema = JSON.parse(text);
    for (const input of this.titles) input.value = schema[input.name] ?? "";
    this.ids = idsOf(schema);
    this.editor = new Editor({ container: this.box, propertiesPanel: { feelPopupContainer: this.box } });
    this.offerWhatIsDrawn();
    await this.editor.importSchema(schema);
    this.editor.on("commandStack.changed", this.changed);
  }

  async text() {
    const schema = withoutMarks(this.editor.saveSchema(), this.ids);
    for (const { name, value } of this.titles) value.trim() ? (schema[name] = value.trim()) : delete schema[name];
    return `${JSON.stringify(schema, null, 2)}\n`;
  }

  /* The palette offers the components that pages draw, the panel their properties; what a file has besides stays seen. */
  offerWhatIsDrawn() {
    const { drawn, written } = this.data.formParts, fields = this.editor.get("formFields"), known = fields._formFields;
    for (const [type, field] of Object.entries(known)) {
      if (drawn[type]) fields.register(type, this.inWords(field));
      else Object.defineProperty(known, type, { enumerable: false });
    }
    const isDrawn = (type, entry) => !drawn[type] || !written.includes(propertyOf(entry)) || drawn[type].includes(propertyOf(entry));
    const left = ({ type }) => (groups) =>
      groups.map((group) => (group.entries ? { ...group, entries: group.entries.filter(({ id }) => isDrawn(type, id)) } : group)).filter(({ entries }) => !entries || entries.length);
    this.editor.get("propertiesPanel").registerProvider({ getGroups: (field) => (field ? left(field) : (groups) => groups) }, 500);
  }

  /* A component whose new fields begin with the reader's words. */
  inWords(field) {
    const { config } = field, read = translator(this.toolWords);
    const inWords = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, /label$|^text$/i.test(name) ? read(value) : Array.isArray(value) ? value.map(inWords) : value]));
    const create = (options, isNew) => (isNew ? inWords(config.create(options, isNew)) : config.create(options, isNew));
    return Object.assign((properties) => field(properties), { config: { ...config, create } });
  }

  mark() {}
  trace() {}

  /* The field of this variable, chosen, its properties beside it. */
  locate(key) {
    const field = this.editor.get("formFieldRegistry").getAll().find((one) => [one.key, one.path, one.id].includes(key));
    if (field) this.editor.get("selection").set(field);
  }

  close() {
    this.editor?.destroy();
  }
}

/* A file that its editor cannot open, as a text. */
class TextEditor {
  constructor(box, { changed }) {
    this.box = made("textarea", { className: "form-control mono text-editor", spellcheck: false });
    this.box.addEventListener("input", changed);
    box.append(this.box);
  }

  async open(text) {
    this.box.value = text;
    this.box.ariaLabel = text.slice(0, 40);
  }

  async text() {
    return this.box.value;
  }

  mark() {}
  trace() {}

  /* A line, chosen whole and shown. */
  locate(_, line) {
    const lines = this.box.value.split("\n"), begin = lines.slice(0, Math.max(line - 1, 0)).join("\n").length + (line > 1 ? 1 : 0);
    this.box.focus();
    this.box.setSelectionRange(begin, begin + (lines[line - 1] ?? "").length);
    this.box.scrollTop = (this.box.scrollHeight / lines.length) * Math.max(line - 4, 0);
  }

  close() {}
}

/* The property of a form that an entry of the editor's panel is for. */
function propertyOf(entry) {
  const name = entry.replace(/^undefined-/, "").replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
  return { step: "increment", timeFormat: "timeSerializingFormat", conditionalHide: "hide" }[name] ?? name;
}

/* What the form editor adds for itself, and what the file has no need of: ids of fields that another name names. */
function withoutMarks({ exporter, ...schema }, ids) {
  const bare = (one) => {
    const kept = { ...one, ...(one.components && { components: one.components.map(bare) }) };
    if ((one.key || one.path) && !ids.has(one.id)) delete kept.id;
    return kept;
  };
  return schema.components ? { ...schema, components: schema.components.map(bare) } : schema;
}

/* The ids that a form gives its fields. */
function idsOf({ components = [] }) {
  return new Set(components.flatMap((one) => [one.id, ...idsOf(one)]));
}
