/* Properties of the chosen element: those of our dialect and no others, with choices from the names that are known here. */
"use strict";

const PROPERTY = "camunda:Property";

class Panel {
  constructor(box, modeler, data, forms) {
    Object.assign(this, { box, modeler, words: data.words, choices: data.choices, forms });
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
    if (!object || object.$type === "bpmn:Collaboration") {
      this.box.replaceChildren(made("p", { className: "muted", textContent: this.words.nothing }));
      return;
    }
    this.box.replaceChildren(...this.fields(element, object).filter(Boolean));
  }

  fields(element, object) {
    const is = (type) => object.$instanceOf(`bpmn:${type}`), { words } = this;
    const definition = object.eventDefinitions?.[0];
    const gateway = is("SequenceFlow") && object.sourceRef?.$instanceOf("bpmn:Gateway") && object.sourceRef;
    return [
      this.field("id", object.id, (id) => this.modeling.updateProperties(element, { id }), { isId: true }),
      this.attribute(element, object, "name"),
      this.property(element, object, "name_en"),
      ...(is("UserTask")
        ? [
            this.attribute(element, object, "camunda:candidateGroups", this.roles()),
            this.attribute(element, object, "camunda:formKey", this.formKeys()),
            this.newForm(element, object),
            this.attribute(element, object, "camunda:dueDate"),
            this.property(element, object, "scope", this.choices.addresses.map((name) => [name, name])),
            this.property(element, object, "summary"),
          ]
        : []),
      ...(is("ServiceTask") || is("SendTask") ? this.service(element, object) : []),
      ...(is("BusinessRuleTask")
        ? [
            this.attribute(element, object, "camunda:decisionRef", this.files("dmn")),
            this.attribute(element, object, "camunda:resultVariable"),
            this.attribute(element, object, "camunda:mapDecisionResult", ["singleEntry", "singleResult", "collectEntries", "resultList"].map((name) => [name, name])),
          ]
        : []),
      is("CallActivity") && this.attribute(element, object, "calledElement", this.choices.processes.map((name) => [name, name])),
      is("ScriptTask") && this.attribute(element, object, "script", null, "area"),
      is("Process") && this.attribute(element, object, "camunda:candidateStarterGroups"),
      is("StartEvent") && !definition && this.attribute(element, object, "camunda:formKey", this.formKeys()),
      gateway && this.condition(element, object),
      gateway && !gateway.$instanceOf("bpmn:ParallelGateway") && this.otherwise(element, object, gateway),
      ...(definition ? this.event(element, definition) : []),
      ...(is("Activity") || is("EndEvent") ? [this.property(element, object, "state"), this.property(element, object, "state_name")] : []),
      this.documentation(element, object),
    ];
  }

  service(element, object) {
    const options = Object.keys(this.choices.topics).map((name) => [name, name]);
    const set = (topic) => this.modeling.updateProperties(element, { "camunda:type": topic ? "external" : undefined, "camunda:topic": topic || undefined });
    const known = this.choices.topics[object.get("camunda:topic")];
    const told = known && made("p", { className: "topic" });
    if (told) told.textContent = `${this.words.reads} ${known.needs.join(", ") || "—"}; ${this.words.writes} ${known.gives.join(", ") || "—"}`;
    const inputs = (this.choices.inputs[object.get("camunda:topic")] ?? []).map((one) => this.input(element, object, one));
    return [this.field("topic", object.get("camunda:topic"), set, { options }), told, ...inputs];
  }

  /* An input parameter that our element template of the topic names. */
  input(element, object, { name, label, type }) {
    const held = object.extensionElements?.values?.find((one) => one.$type === "camunda:InputOutput");
    const value = held?.inputParameters?.find((one) => one.name === name)?.value;
    const set = (text) => {
      const others = (held?.inputParameters ?? []).filter((one) => one.name !== name);
      const parameters = text ? [...others, this.moddle.create("camunda:InputParameter", { name, value: text })] : others;
      const isEmpty = !parameters.length && !held?.outputParameters?.length;
      const made = this.moddle.create("camunda:InputOutput", { inputParameters: parameters, outputParameters: held?.outputParameters ?? [] });
      this.extend(element, object, held, isEmpty ? null : made);
    };
    return this.field(name, value, set, { kind: type === "Text" ? "area" : undefined, label });
  }

  /* Puts one extension in the place of another; null takes it away. */
  extend(element, object, old, now) {
    const rest = (object.extensionElements?.values ?? []).filter((one) => one !== old);
    const values = now ? [...rest, now] : rest;
    const extensionElements = values.length ? this.moddle.create("bpmn:ExtensionElements", { values }) : undefined;
    this.modeling.updateModdleProperties(element, object, { extensionElements });
  }

  condition(element, object) {
    const set = (body) =>
      this.modeling.updateProperties(element, { conditionExpression: body ? this.moddle.create("bpmn:FormalExpression", { body }) : undefined });
    return this.field("condition", object.conditionExpression?.body, set, { list: "known-variables" });
  }

  otherwise(element, object, gateway) {
    const label = made("label", { className: "check" }), box = made("input", { type: "checkbox", className: "form-check-input" });
    box.checked = gateway.default === object;
    box.addEventListener("change", () => this.modeling.updateProperties(element.source, { default: box.checked ? object : undefined }));
    label.append(box, made("span", { textContent: this.words.default }));
    return label;
  }

  event(element, definition) {
    const update = (values) => this.modeling.updateModdleProperties(element, definition, values);
    if (definition.$type === "bpmn:TimerEventDefinition")
      return ["timeDuration", "timeDate"].map((kind) => {
        const set = (body) => update({ timeDuration: undefined, timeDate: undefined, [kind]: body ? this.moddle.create("bpmn:FormalExpression", { body }) : undefined });
        return this.field(kind, definition[kind]?.body, set);
      });
    if (definition.$type !== "bpmn:MessageEventDefinition") return [];
    const set = (name) => update({ messageRef: name ? this.message(name) : undefined });
    return [this.field("message", definition.messageRef?.name, set)];
  }

  /* The message of this name, made when there is none. */
  message(name) {
    const all = this.modeler.getDefinitions();
    const found = all.rootElements.find((one) => one.$type === "bpmn:Message" && one.name === name);
    if (found) return found;
    const message = this.moddle.create("bpmn:Message", { id: `message_${name}`, name });
    message.$parent = all;
    all.rootElements.unshift(message);
    return message;
  }

  documentation(element, object) {
    const set = (text) => this.modeling.updateModdleProperties(element, object, { documentation: text ? [this.moddle.create("bpmn:Documentation", { text })] : [] });
    return this.field("documentation", object.documentation?.[0]?.text, set, { kind: "area" });
  }

  newForm(element, object) {
    const button = made("button", { type: "button", className: "btn btn-plain btn-row", textContent: this.words.newForm });
    button.addEventListener("click", () => {
      const key = prompt(this.words.newFormName, object.id);
      if (key && this.forms.add(key, object.name || key)) this.modeling.updateProperties(element, { "camunda:formKey": key });
    });
    return button;
  }

  attribute(element, object, name, options, kind) {
    const set = (value) => this.modeling.updateModdleProperties(element, object, { [name]: value || undefined });
    const rename = (value) => this.modeling.updateProperties(element, { name: value });
    return this.field(name.replace("camunda:", ""), object.get(name), name === "name" && element.businessObject === object ? rename : set, { options, kind });
  }

  property(element, object, name, options) {
    const held = object.extensionElements?.values?.find((one) => one.$type === "camunda:Properties");
    const value = held?.values?.find((one) => one.name === name)?.value;
    return this.field(name, value, (text) => this.setProperty(element, object, name, text), { options });
  }

  setProperty(element, object, name, text) {
    const old = object.extensionElements?.values?.find((one) => one.$type === "camunda:Properties");
    const others = (old?.values ?? []).filter((one) => one.name !== name);
    const values = text ? [...others, this.moddle.create(PROPERTY, { name, value: text })] : others;
    this.extend(element, object, old, values.length ? this.moddle.create("camunda:Properties", { values }) : null);
  }

  roles() {
    return Object.entries(this.choices.roles).map(([role, label]) => [role, label]);
  }

  formKeys() {
    return this.files("form");
  }

  files(ending) {
    return this.forms.names(ending).map((name) => [name, name]);
  }

  /* One labelled input; with options a choice that keeps whatever stands there. */
  field(name, value, set, { options, kind, list, isId, label: said } = {}) {
    const box = made("div", { className: "field" }), id = `panel-${name}`;
    const label = made("label", { htmlFor: id, textContent: said ?? this.words[name] ?? name });
    const input = options ? choice(options, value ?? "", this.words.none) : made(kind === "area" ? "textarea" : "input", { value: value ?? "" });
    Object.assign(input, { id, className: options ? "form-select" : "form-control" });
    if (list) input.setAttribute("list", list);
    if (isId) input.pattern = "[A-Za-z_][A-Za-z0-9_]*";
    input.addEventListener("change", () => {
      if (isId && !/^[A-Za-z_]\w*$/.test(input.value)) return input.reportValidity();
      this.isOwn = true;
      try {
        set(input.value.trim());
      } finally {
        this.isOwn = false;
      }
      if (name === "topic") this.show();
    });
    box.append(label, input);
    return box;
  }
}

function choice(options, value, none) {
  const select = made("select", {}), known = options.some(([key]) => key === value);
  const all = [["", none], ...(known || !value ? [] : [[value, value]]), ...options];
  for (const [key, label] of all) select.append(new Option(label === key ? key : `${label} · ${key}`.replace(" · ", key ? " · " : ""), key, false, key === value));
  return select;
}

function made(tag, values) {
  return Object.assign(document.createElement(tag), values);
}
