/* The studio: files as tabs, the draft saved as one works, and beside it what the gate, the tests and the comparison say. */
"use strict";

const data = JSON.parse(document.getElementById("studio-data").textContent);
const { words } = data;
const part = (id) => document.getElementById(id);
const EDITORS = { bpmn: DiagramEditor, dmn: TableEditor, form: FormFileEditor };
const PAUSE = 900; // milliseconds after the last change
const draft = { files: data.files, version: data.told.version, base: data.told.base, name: "", editor: null, isStopped: false };
let dialect, toolWords, timer, saving = Promise.resolve();

async function post(address, body) {
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token, "HX-Request": "true" };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) });
  if (answer.ok) return answer;
  const notice = new DOMParser().parseFromString(await answer.text(), "text/html");
  throw Object.assign(new Error(notice.body.textContent.replace(/\s+/g, " ").trim()), { status: answer.status });
}

const forms = {
  names: (ending) => Object.keys(draft.files).filter((name) => name.endsWith(`.${ending}`)).map((name) => name.slice(0, -ending.length - 1)),
  add(key, title) {
    if (!/^[A-Za-z]\w{0,90}$/.test(key) || draft.files[`${key}.form`]) return false;
    const values = [{ label: "同意", value: "agree" }, { label: "不同意", value: "refuse" }];
    const components = [{ type: "radio", id: `${key}_decision`, key: "decision", label: "意见", values, validate: { required: true } }];
    draft.files[`${key}.form`] = `${JSON.stringify({ type: "default", schemaVersion: 16, id: key, title, components }, null, 2)}\n`;
    listFiles();
    return true;
  },
};

function listFiles() {
  const names = Object.keys(draft.files).sort((a, b) => (b === data.main) - (a === data.main) || a.localeCompare(b));
  part("files").replaceChildren(...names.map((name) => {
    const button = made("button", { type: "button", textContent: name });
    if (name === draft.name) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => open(name));
    return button;
  }));
}

async function open(name) {
  await collect();
  draft.editor?.close();
  draft.name = name;
  listFiles();
  const ending = name.split(".").pop(), box = part("editor");
  box.replaceChildren();
  box.classList.toggle("flat", ending !== "bpmn");
  part("panel-box").hidden = ending !== "bpmn";
  part("preview-panel").hidden = ending !== "form";
  part("decision-panel").hidden = ending !== "dmn";
  part("panel").replaceChildren();
  draft.editor = new EDITORS[ending](box, { data, dialect, toolWords, changed, forms, panel: part("panel") });
  try {
    await draft.editor.open(draft.files[name]);
  } catch (error) {
    console.error(error);
    draft.editor = null;
    box.textContent = `${words.unreadable} ${error.message}`;
  }
  draft.editor?.mark(data.told.findings.filter((one) => one.file === name));
  if (ending === "form") preview();
  if (ending === "dmn") offerFacts();
  box.dataset.ready = name;
}

/* Takes the text of the open editor over; one that cannot be written stays as it was. */
async function collect() {
  if (!draft.editor || !draft.isTouched) return;
  draft.files[draft.name] = await draft.editor.text();
  draft.isTouched = false;
}

function changed() {
  draft.isTouched = draft.isUnsaved = true;
  part("saved").textContent = words.saving;
  clearTimeout(timer);
  timer = setTimeout(() => (saving = saving.then(save)), PAUSE);
}

async function save() {
  if (draft.isStopped || !draft.isUnsaved) return;
  try {
    await collect();
    draft.isUnsaved = false;
    const told = await (await post(data.save, { files: draft.files, version: draft.version, base: draft.base })).json();
    draft.version = told.version;
    draft.base = told.base;
    part("version").value = told.version;
    part("saved").textContent = `${words.saved} ${told.saved.replace(/<[^>]+>/g, "")}`;
    tell(told);
    if (draft.name.endsWith(".form")) preview();
  } catch (error) {
    draft.isUnsaved = true;
    part("saved").textContent = words.unsaved;
    draft.isStopped = error.status === 409;
    const note = made("div", { className: "say bad" });
    note.append(made("p", { textContent: error.message }));
    part("overtaken").replaceChildren(note);
  }
}

function tag(kind, text) {
  return made("span", { className: `tag ${kind}`, textContent: text });
}

function tell(told) {
  data.told = told;
  const count = (severity) => told.findings.filter((one) => one.severity === severity).length;
  const wrong = count("refused"), warned = count("warning"), failed = told.tests.filter((one) => one.problem).length;
  const tags = () => [wrong && tag("bad", `${wrong} ${words.errors}`), warned && tag("warn", `${warned} ${words.warnings}`)].filter(Boolean);
  part("findings-tags").replaceChildren(...tags());
  part("gate-findings").replaceChildren(...(wrong || warned ? tags() : [tag("ok", words.noFindings)]));
  part("gate-tests").replaceChildren(tag(failed ? "bad" : "ok", `${part("tests").dataset.name} ${told.tests.length - failed} / ${told.tests.length}`));
  part("findings").replaceChildren(...(told.findings.length ? told.findings.map(finding) : [made("p", { className: "muted", textContent: words.noFindings })]));
  part("differences-count").textContent = told.differences.length;
  part("differences").replaceChildren(...(told.differences.length ? told.differences.map(difference) : [made("li", { className: "muted", textContent: words.noDifferences })]));
  part("tests").replaceChildren(...told.tests.map((one) => {
    const item = made("li", {});
    item.append(tag(one.problem ? "bad" : "ok", one.name), ...(one.problem ? [made("span", { className: "detail", textContent: one.problem })] : []));
    return item;
  }));
  draft.editor?.mark(told.findings.filter((one) => one.file === draft.name));
  part("propose").disabled = wrong > 0;
}

function finding(one) {
  const box = made("div", { className: `say ${one.severity === "refused" ? "bad" : one.severity === "warning" ? "warn" : ""}` }), inner = made("div", {});
  const head = made("p", {});
  head.append(made("b", { textContent: one.text }));
  inner.append(head, made("p", { className: "small", textContent: `${one.remedy} ${one.rule} · ${one.file}${one.line ? `:${one.line}` : ""}` }));
  if (one.element && one.file.endsWith(".bpmn")) {
    const go = made("button", { type: "button", className: "btn btn-quiet btn-row", textContent: `${words.locate} ${one.element}` });
    go.addEventListener("click", async () => {
      if (draft.name !== one.file && draft.files[one.file]) await open(one.file);
      draft.editor?.locate(one.element);
    });
    inner.append(go);
  }
  box.append(inner);
  return box;
}

function difference(one) {
  const kinds = { added: "ok", removed: "bad", changed: "warn", moved: "note" }, item = made("li", {});
  item.append(tag(kinds[one.kind], one.said), ` ${one.what} `, made("b", { textContent: one.name }));
  for (const { name, old, new: now } of one.kind === "changed" ? one.details : []) {
    const line = made("span", { className: "detail", textContent: `${name} ` });
    if (old) line.append(made("del", { textContent: old }), " ");
    if (now) line.append(made("ins", { textContent: now }));
    item.append(line);
  }
  return item;
}

async function preview() {
  const answer = await post(data.form, { form: draft.files[draft.name] });
  part("preview").innerHTML = await answer.text();
}

/* One input for each column of the table, the result below. */
function offerFacts() {
  const xml = new DOMParser().parseFromString(draft.files[draft.name], "application/xml");
  const names = [...new Set([...xml.getElementsByTagNameNS("*", "inputExpression")].map((one) => one.textContent.trim()).filter((name) => /^\w+$/.test(name)))];
  const inputs = names.map((name) => {
    const box = made("div", { className: "field" });
    box.append(made("label", { htmlFor: `fact-${name}`, textContent: name }), made("input", { id: `fact-${name}`, name, className: "form-control" }));
    return box;
  });
  part("decide").replaceChildren(...inputs, made("button", { className: "btn btn-primary", textContent: words.result }));
}

/* true, 12 and "text" as JSON has them; anything else is a text; nothing is nothing. */
function typed(text) {
  if (text === "") return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

part("decide").addEventListener("submit", async (event) => {
  event.preventDefault();
  await collect();
  const facts = Object.fromEntries([...new FormData(event.target)].map(([name, text]) => [name, typed(text)]));
  const told = await (await post(data.decision, { files: draft.files, table: draft.name.replace(".dmn", ""), facts })).json();
  part("decided").textContent = told.problem ? said(told.problem) : `${words.result}: ${JSON.stringify(told.result)}`;
});

const said = (pair) => (typeof pair === "string" ? pair : pair[document.documentElement.lang.startsWith("zh") ? 0 : 1]);

const script = { steps: [] };
async function play() {
  await collect();
  try {
    script.start = JSON.parse(part("start-data").value || "{}");
    script.topics = JSON.parse(part("topic-data").value || "{}");
  } catch (error) {
    part("choices").textContent = error.message;
    return;
  }
  try {
    const told = await (await post(data.rehearsal, { files: draft.files, script })).json();
    part("moments").replaceChildren(...told.moments.map(moment));
    if (told.problem) script.steps.pop();
    draft.editor?.trace(told.moments.flatMap((one) => one.passed), (told.moments.at(-1)?.waiting ?? []).map((one) => one.element));
    part("choices").replaceChildren(...(told.problem ? [made("p", { className: "say bad", textContent: said(told.problem) })] : []), ...offers(told.moments.at(-1)));
  } catch (error) {
    part("choices").textContent = error.message;
  }
}

function moment(one) {
  const item = made("li", {});
  item.append(made("b", { textContent: one.act }), made("span", { className: "detail", textContent: `${words.passed}: ${one.passed.join(" → ") || "—"}` }));
  if (one.ended) item.append(tag("ok", words.ended));
  return item;
}

function offers(last) {
  if (!last || last.ended) return [];
  const tasks = last.waiting.map(({ element, role }) => offer({ complete: element }, `${words.waiting}: ${element} · ${data.choices.roles[role] ?? role}`));
  return [...tasks, ...last.listening.map((name) => offer({ [name.split(":")[0]]: name.split(":")[1] }, `${words.listening}: ${name}`))];
}

function offer(one, label) {
  const box = made("div", { className: "field" }), input = made("input", { className: "form-control", value: "{}", ariaLabel: label });
  const button = made("button", { type: "button", className: "btn btn-plain btn-row", textContent: words.do });
  button.addEventListener("click", () => {
    try {
      script.steps.push({ ...one, with: JSON.parse(input.value || "{}") });
      play();
    } catch (error) {
      part("choices").append(made("p", { className: "say bad", textContent: error.message }));
    }
  });
  box.append(made("span", { className: "label", textContent: label }), ...("timer" in one ? [] : [input]), button);
  return box;
}

part("play").addEventListener("click", () => {
  script.steps = [];
  play();
});

/* Sent is what was saved last. */
part("propose").form.addEventListener("submit", async (event) => {
  if (!draft.isUnsaved || draft.isStopped) return;
  event.preventDefault();
  clearTimeout(timer);
  saving = saving.then(save);
  await saving;
  if (!draft.isUnsaved) event.target.requestSubmit(event.submitter);
});
addEventListener("beforeunload", (event) => draft.isUnsaved && event.preventDefault());

async function begin() {
  dialect = await (await fetch(data.dialect)).json();
  toolWords = data.toolWords ? await (await fetch(data.toolWords)).json() : {};
  const list = made("datalist", { id: "known-variables" });
  list.append(...data.choices.variables.map((name) => new Option(name)));
  document.body.append(list);
  await open(data.main);
  tell(data.told);
  part("studio").dataset.ready = "1";
}

begin().catch((error) => {
  console.error(error);
  part("editor").textContent = error.message;
});
