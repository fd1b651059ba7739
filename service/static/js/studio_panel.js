/* Properties of the chosen element: those that studio_panel.py offers, with choices from the names that are known here. */
"use strict";

const PROPERTY = "camunda:Property";

class Panel {
  constructor(box, modeler, data, forms) {
    Object.assign(this, { box, modeler, words: data.words, choices: data.choices, offered: data.fields, forms });
    this.modeling = modeler.get("modeling");
    this.moddle = modeler.get("moddle");
    modeler.on(["selection.changed", "commandStack.changed"], () => this.show());
    this.show();
  }

  chosen() {
    const [element] = this.modeler.get("selection").get();
    if (element) return element.labelTarget ?? element;
    return this.modeler.get("canvas").getRootElement();
  }

  show() {
    if (this.isOwn) return; // whoever fills in one field goes on to the next
    if (this.box.contains(document.activeElement)) document.activeElement.blur(); // what was typed there is a change
    const element = this.chosen();
    const object = element?.businessObject?.processRef ?? element?.businessObject;
    const isNothing = !object || object.$type === "bpmn:Collaboration";
    const rows = isNothing ? [made("p", { className: "muted", textContent: this.words.nothing })] : this.fields(element, object);
    this.box.replaceChildren(this.elementChoice(element), ...rows);
  }

  /* Which element the panel is about: chosen from a list, for whoever has no mouse. */
  elementChoice(element) {
    const all = this.modeler.get("elementRegistry").filter((one) => !one.labelTarget).map(({ id, businessObject }) => [id, calledAs(businessObject)]);
    const choose = (id) => {
      const chosen = this.modeler.get("elementRegistry").get(id), isRoot = !chosen.parent;
      this.modeler.get("selection").select(isRoot ? [] : chosen);
      if (!isRoot) this.modeler.get("canvas").scrollToElement(chosen);
      this.isOwn = false;
      this.show();
      document.getElementById("panel-element").focus();
    };
    return this.input({ name: "element", label: this.words.element, options: all, isSure: true }, element?.id, choose);
  }

  /* A flow to another element, as the drawing allows it; chosen is then what was drawn. */
  connection(element) {
    const isFlow = (target) => this.modeler.get("rules").allowed("connection.create", { source: element, target })?.type === "bpmn:SequenceFlow";
    const targets = this.modeler.get("elementRegistry").filter((one) => one !== element && !one.labelTarget && one.businessObject.$instanceOf?.("bpmn:FlowNode") && isFlow(one));
    const box = this.input({ name: "connect", label: this.words.connect, options: targets.map(({ id, businessObject }) => [id, calledAs(businessObject)]) }, "", () => {});
    const button = made("button", { type: "button", className: "btn btn-plain btn-row", textContent: this.words.draw });
    button.addEventListener("click", () => {
      const target = this.modeler.get("elementRegistry").get(box.querySelector("select")?.value ?? "");
      if (!target) return;
      this.modeler.get("selection").select(this.modeling.connect(element, target));
      document.getElementById("panel-element").focus();
    });
    box.append(button);
    return box;
  }

  /* Those of the element, of its loop and its event definitions; what is rarely needed is folded. */
  fields(element, object) {
    const rare = made("details", {}), own = [], others = [];
    rare.append(made("summary", { textContent: this.words.more }));
    const isUseful = (one) => one.kind !== "flow" || (object.outgoing ?? []).length > 1;
    for (const one of (this.offered[kindOf(object)] ?? []).filter(isUseful)) (one.rare ? (row) => rare.append(row) : (row) => own.push(row))(this.field(element, object, one));
    if (object.$instanceOf("bpmn:UserTask")) own.splice(own.findIndex((row) => row.querySelector("#panel-formKey")) + 1, 0, this.newForm(element, object));
    if (object.$type === "bpmn:SequenceFlow" && object.sourceRef?.$descriptor.propertiesByName.default) own.push(this.otherwise(element, object));
    if (object.$instanceOf("bpmn:FlowNode") && element.type !== "label") own.push(this.connection(element));
    for (const part of partsOf(object)) {
      others.push(made("h3", { textContent: part.$type.endsWith("LoopCharacteristics") ? this.words.loop : this.words.eventDefinition }));
      for (const one of [part, ...rootsOf(part)]) others.push(...(this.offered[kindOf(one)] ?? []).map((field) => this.field(element, one, field)));
    }
    return [...own, ...(others.length > partsOf(object).length ? others : []), ...(rare.children.length > 1 ? [rare] : [])];
  }

  /* One property of an element or of a part of it. */
  field(element, part, one) {
    const { name, kind } = one, update = (values) => this.update(element, part, values);
    const expression = (body) => (body ? this.moddle.create("bpmn:FormalExpression", { body }) : undefined);
    const others = kind === "expression" && name.startsWith("time") ? { timeDuration: undefined, timeDate: undefined, timeCycle: undefined } : {};
    const found = {
      text: () => this.input(one, part.get(name), (text) => update({ [name]: text || undefined })),
      check: () => this.check(one.label, part.get(name), (is) => update({ [name]: is === Boolean(part.$model.getPropertyDescriptor(part, name)?.default) ? undefined : is })),
      expression: () => this.input(one, part.get(name)?.body, (body) => update({ ...others, [name]: expression(body) })),
      property: () => this.input(one, this.propertyOf(part, name), (text) => this.setProperty(element, part, name, text)),
      documentation: () => this.input(one, part.documentation?.[0]?.text, (text) => update({ documentation: text ? [this.moddle.create("bpmn:Documentation", { text })] : [] })),
      reference: () => this.reference(element, part, one, update),
      flow: () => this.pointed(one, part.get(name), part.outgoing ?? [], update),
      activity: () => this.pointed(one, part.get(name), this.elements("bpmn:Activity"), update),
      topic: () => this.topic(element, part, one),
      parameters: () => this.parameters(element, part, one),
    };
    return found[kind]();
  }

  /* Changes of the element itself are drawn at once; of its parts, with it. */
  update(element, part, values) {
    if (part === element.businessObject) this.modeling.updateProperties(element, values);
    else this.modeling.updateModdleProperties(element, part, values);
  }

  elements(type) {
    return this.modeler.get("elementRegistry").filter((one) => !one.labelTarget && one.businessObject.$instanceOf?.(type)).map((one) => one.businessObject);
  }

  /* An element of the drawing, chosen by its name. */
  pointed(one, value, all, update) {
    const options = all.map((it) => [it.id, it.name || it.targetRef?.name || it.id]);
    return this.input({ ...one, options }, value?.id, (id) => update({ [one.name]: all.find((it) => it.id === id) }));
  }

  /* A message, signal, error or escalation by its name, made when there is none. */
  reference(element, part, one, update) {
    const type = one.name.replace("Ref", ""), all = this.modeler.getDefinitions();
    const $type = `bpmn:${type[0].toUpperCase()}${type.slice(1)}`, known = all.rootElements.filter((it) => it.$type === $type);
    const names = [...new Set([...known.map((it) => it.name || it.id), ...(type === "message" ? this.choices.messages : [])])];
    const set = (name) => {
      let found = known.find((it) => (it.name || it.id) === name);
      if (name && !found) {
        found = this.moddle.create($type, { id: this.moddle.ids.nextPrefixed(`${type}_`), name });
        found.$parent = all;
        all.rootElements.unshift(found);
      }
      update({ [one.name]: name ? found : undefined });
      this.isOwn = false;
      this.show();
    };
    return this.input({ ...one, known: names }, part.get(one.name)?.name ?? part.get(one.name)?.id, set);
  }

  topic(element, part, one) {
    const known = this.choices.topics[part.get("camunda:topic")], box = made("div", { className: "field" });
    const set = (topic) => {
      this.update(element, part, { "camunda:type": topic ? "external" : undefined, "camunda:topic": topic || undefined });
      this.isOwn = false;
      this.show();
    };
    box.append(this.input(one, part.get("camunda:topic"), set));
    if (known) box.append(made("p", { className: "topic", textContent: `${this.words.reads} ${known.needs.join(", ") || "—"}; ${this.words.writes} ${known.gives.join(", ") || "—"}` }));
    return box;
  }

  /* Input and output parameters: those of the topic's template by their labels, others by name, an empty row for one more. */
  parameters(element, object) {
    const held = this.extension(object, "camunda:InputOutput"), box = made("div", { className: "parameters" });
    const asked = this.choices.inputs[object.get("camunda:topic")] ?? [];
    for (const { name, label, type } of asked) {
      const value = held?.inputParameters?.find((it) => it.name === name)?.value;
      box.append(this.input({ name, label, area: type === "Text" }, value, (text) => this.setParameter(element, object, "input", name, name, text)));
    }
    for (const side of ["input", "output"]) {
      const rows = (held?.[`${side}Parameters`] ?? []).filter((it) => side === "output" || !asked.some(({ name }) => name === it.name));
      for (const [n, held] of [...rows, {}].entries()) {
        let { name } = held;
        const row = made("div", { className: "parameter" }), inputs = ["parameter", "value"].map((word) => made("input", { className: "form-control", ariaLabel: `${this.words[side]} ${n + 1}: ${this.words[word]}`, placeholder: this.words[word] }));
        [inputs[0].value, inputs[1].value] = [name ?? "", held.value ?? ""];
        inputs[1].setAttribute("list", "known-variables");
        const set = () => {
          const [now, value] = inputs.map((input) => input.value.trim()), isNew = !name;
          if (isNew && !(now && value)) return; // of a new one both are asked for
          this.isOwn = true;
          this.setParameter(element, object, side, name, now, value);
          this.isOwn = false;
          name = now;
          if (isNew || !now) this.show();
        };
        for (const input of inputs) input.addEventListener("change", set);
        row.append(...inputs);
        if (n === 0) box.append(made("span", { className: "label", textContent: this.words[side] }));
        box.append(row);
      }
    }
    return box;
  }

  setParameter(element, object, side, old, name, value) {
    const held = this.extension(object, "camunda:InputOutput"), list = [...(held?.[`${side}Parameters`] ?? [])];
    const $type = `camunda:${side === "input" ? "Input" : "Output"}Parameter`, at = list.findIndex((it) => it.name === old);
    list.splice(at < 0 ? list.length : at, at < 0 ? 0 : 1, ...(name && value ? [this.moddle.create($type, { name, value })] : []));
    const both = { inputParameters: held?.inputParameters ?? [], outputParameters: held?.outputParameters ?? [], [`${side}Parameters`]: list };
    const isEmpty = !both.inputParameters.length && !both.outputParameters.length;
    this.extend(element, object, held, isEmpty ? null : this.moddle.create("camunda:InputOutput", both));
  }

  extension(object, type) {
    return object.extensionElements?.values?.find((one) => one.$type === type);
  }

  /* Puts one extension in the place of another; null takes it away. */
  extend(element, object, old, now) {
    const rest = (object.extensionElements?.values ?? []).filter((one) => one !== old);
    const values = now ? [...rest, now] : rest;
    const extensionElements = values.length ? this.moddle.create("bpmn:ExtensionElements", { values }) : undefined;
    this.modeling.updateModdleProperties(element, object, { extensionElements });
  }

  otherwise(element, object) {
    const set = (is) => this.modeling.updateProperties(element.source, { default: is ? object : undefined });
    return this.check(this.words.isDefault, object.sourceRef.default === object, set);
  }

  newForm(element, object) {
    const button = made("button", { type: "button", className: "btn btn-plain btn-row", textContent: this.words.newForm });
    button.addEventListener("click", () => {
      const key = prompt(this.words.newFormName, object.id);
      if (key && this.forms.add(key, object.name || key, this.propertyOf(object, "name_en"))) this.modeling.updateProperties(element, { "camunda:formKey": key });
    });
    return button;
  }

  propertyOf(object, name) {
    return this.extension(object, "camunda:Properties")?.values?.find((one) => one.name === name)?.value;
  }

  setProperty(element, object, name, text) {
    const old = this.extension(object, "camunda:Properties"), others = (old?.values ?? []).filter((one) => one.name !== name);
    const values = text ? [...others, this.moddle.create(PROPERTY, { name, value: text })] : others;
    this.extend(element, object, old, values.length ? this.moddle.create("camunda:Properties", { values }) : null);
  }

  /* The names behind a list, as pairs of what is written and what is read; null where anything may be written. */
  optionsOf({ choices: list, options }) {
    if (options) return options;
    if (Array.isArray(list)) return list.map((name) => [name, name]);
    if (list === "form" || list === "dmn") return this.forms.names(list).map((name) => [name, name]);
    const names = list && list !== "variables" && this.choices[list];
    if (!names) return null;
    const pairs = Array.isArray(names) ? names.map((name) => [name, name]) : Object.entries(names).map(([name, label]) => [name, typeof label === "string" ? label : name]);
    return pairs.length ? pairs : null;
  }

  /* One labelled input; with options a choice that keeps whatever stands there and lets an expression be written. */
  input(one, value, set) {
    const box = made("div", { className: "field" }), name = one.name.replace("camunda:", ""), id = `panel-${name}`, options = this.optionsOf(one);
    const free = () => Object.assign(made(one.area ? "textarea" : "input", { value: value ?? "", className: "form-control" }), { id });
    let input = options ? Object.assign(choice(options, value ?? "", one.many, this.words, !Array.isArray(one.choices) && !one.options, one.isSure), { id }) : free();
    if (one.choices === "variables" || name === "dueDate") input.setAttribute("list", "known-variables");
    if (one.known) {
      const list = made("datalist", { id: `${id}-known` });
      list.append(...one.known.map((it) => new Option(it)));
      input.setAttribute("list", list.id);
      box.append(list);
    }
    const changed = () => {
      if (name === "id") {
        const isWrong = !/^[A-Za-z_]\w*$/.test(input.value), isTaken = input.value !== value && this.moddle.ids.assigned(input.value);
        input.setCustomValidity(isWrong ? this.words.wrongId : isTaken ? this.words.takenId : "");
        if (!input.reportValidity()) return;
      }
      if (options && input.value === OTHER) {
        const written = Object.assign(free(), { value: "${}" });
        input.replaceWith(written);
        input = written;
        input.addEventListener("change", changed);
        return input.focus();
      }
      this.isOwn = true;
      try {
        set(one.many ? [...input.selectedOptions].map((it) => it.value).filter(Boolean).join(",") : input.value.trim());
      } finally {
        this.isOwn = false;
      }
    };
    input.addEventListener("change", changed);
    box.append(made("label", { htmlFor: id, textContent: one.label }), input);
    return box;
  }

  check(text, value, set) {
    const label = made("label", { className: "check" }), box = made("input", { type: "checkbox", className: "form-check-input", checked: Boolean(value) });
    box.addEventListener("change", () => set(box.checked));
    label.append(box, made("span", { textContent: text }));
    return label;
  }
}

const OTHER = "${";

/* An element by its name; a flow without one by those it connects. */
function calledAs({ id, name, sourceRef, targetRef }) {
  return name || (targetRef && sourceRef?.id ? `${calledAs(sourceRef)} → ${calledAs(targetRef)}` : id);
}

function kindOf(part) {
  const name = part.$type.split(":")[1];
  return name[0].toLowerCase() + name.slice(1);
}

function partsOf(object) {
  return [...(object.eventDefinitions ?? []), object.loopCharacteristics].filter(Boolean);
}

/* What an event definition refers to, where that has properties of its own. */
function rootsOf(part) {
  return [part.errorRef, part.escalationRef].filter(Boolean);
}

function choice(options, value, many, words, isOpen, isSure) {
  const select = made("select", { className: "form-select", multiple: Boolean(many) }), values = many ? value.split(",").map((it) => it.trim()).filter(Boolean) : [value];
  const unknown = values.filter((it) => it && !options.some(([key]) => key === it)).map((it) => [it, it]);
  for (const [key, label] of [...(many || isSure ? [] : [["", words.none]]), ...unknown, ...options, ...(isOpen && !many ? [[OTHER, words.other]] : [])])
    select.append(new Option(label === key || key === OTHER || !key ? label : `${label} · ${key}`, key, false, values.includes(key)));
  return select;
}

function made(tag, values) {
  return Object.assign(document.createElement(tag), values);
}
