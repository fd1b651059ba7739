/* The studio: files as tabs, the draft saved as one works, and beside it what the gate, the tests and the comparison say. */
"use strict";

const data = JSON.parse(document.getElementById("studio-data").textContent);
const { words } = data;
const part = (id) => document.getElementById(id);
const EDITORS = { bpmn: DiagramEditor, dmn: TableEditor, form: FormFileEditor, yaml: TextEditor };
const PAUSE = 900; // milliseconds after the last change
const LONGEST_PAUSE = 60_000; // between attempts to save
const draft = { files: data.files, version: data.told.version, base: data.told.base, name: "", editor: null, failures: 0 };
const editors = {}; // by file: what was opened stays, with all that can be undone in it
let dialect, toolWords, timer, queue = Promise.resolve();

/* One thing after the other: what reads or changes an editor waits for what came before. */
function inTurn(act) {
  return (queue = queue.then(act, act));
}

async function post(address, body, isAgain) {
  const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers"));
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token, "HX-Request": "true" };
  const answer = await fetch(address, { method: "POST", headers, body: JSON.stringify(body) }).catch(() => null);
  if (answer?.ok) return answer;
  if (answer?.status === 400 && !isAgain && (await renewToken())) return post(address, body, true);
  const notice = new DOMParser().parseFromString((await answer?.text()) ?? "", "text/html").body.textContent.replace(/\s+/g, " ").trim();
  const status = answer?.status ?? 0;
  throw Object.assign(new Error(status === 401 ? words.signedOut : notice || (status ? words.failed : words.offline)), { status });
}

/* Whoever signed in again in another tab has another token; tells whether it is. */
async function renewToken() {
  const page = await fetch(data.home).catch(() => null);
  const now = page && new DOMParser().parseFromString(await page.text(), "text/html").body.getAttribute("hx-headers");
  if (!now || now === document.body.getAttribute("hx-headers")) return false;
  document.body.setAttribute("hx-headers", now);
  return true;
}

const forms = {
  names: (ending) => Object.keys(draft.files).filter((name) => name.endsWith(`.${ending}`)).map((name) => name.slice(0, -ending.length - 1)),
  add(key, title, titleEnglish) {
    if (!/^[A-Za-z]\w{0,90}$/.test(key) || draft.files[`${key}.form`]) return false;
    const values = [{ label: "同意", value: "agree" }, { label: "不同意", value: "refuse" }];
    const properties = { label_en: "Opinion", "label_en.agree": "Agree", "label_en.refuse": "Disagree" };
    const components = [{ type: "radio", id: `${key}_decision`, key: "decision", label: "意见", values, validate: { required: true }, properties }];
    const form = { type: "default", schemaVersion: 16, id: key, title, ...(titleEnglish && { title_en: titleEnglish }), components };
    draft.files[`${key}.form`] = `${JSON.stringify(form, null, 2)}\n`;
    listFiles();
    return true;
  },
};

function listFiles() {
  const names = Object.keys({ [data.tests.name]: "", ...draft.files }).sort((a, b) => (b === data.main) - (a === data.main) || a.localeCompare(b));
  part("files").replaceChildren(...names.map((name) => {
    const button = made("button", { type: "button", textContent: name });
    if (name === draft.name) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => open(name));
    return button;
  }));
}

const open = (name) => inTurn(() => show(name));

async function show(name) {
  const box = part("editor"), ending = name.split(".").pop();
  for (const { pane } of Object.values(editors)) pane.hidden = true;
  draft.name = name;
  listFiles();
  box.classList.toggle("flat", ending !== "bpmn");
  part("panel-box").hidden = ending !== "bpmn";
  part("preview-panel").hidden = ending !== "form";
  part("decision-panel").hidden = ending !== "dmn";
  const held = (editors[name] ??= { pane: made("div", { className: "pane" }) });
  held.pane.hidden = false;
  if (!held.pane.isConnected) {
    box.append(held.pane);
    part("panel").replaceChildren();
    await begin(held, EDITORS[ending], name).catch((error) => {
      console.error(error);
      held.editor?.close();
      held.pane.replaceChildren(made("p", { className: "say bad", textContent: `${words.unreadable} ${error.message}` }));
      return begin(held, TextEditor, name);
    });
  }
  draft.editor = held.editor;
  held.editor.shown?.();
  held.editor.mark(data.told.findings.filter((one) => one.file === name));
  if (ending === "form") preview();
  if (ending === "dmn") offerFacts();
  box.dataset.ready = name;
}

function begin(held, Editor, name) {
  held.editor = new Editor(held.pane, { data, dialect, toolWords, changed: () => changed(held), forms, panel: part("panel") });
  return held.editor.open(draft.files[name] ?? data.tests.text);
}

/* Takes over the texts of all editors in which something was changed; one that cannot be written stays to be. */
async function collect() {
  for (const [name, held] of Object.entries(editors)) {
    if (!held.isTouched) continue;
    held.isTouched = false;
    try {
      draft.files[name] = await held.editor.text();
    } catch (error) {
      held.isTouched = true;
      throw error;
    }
  }
}

function changed(held) {
  held.isTouched = draft.isUnsaved = true;
  part("saved").textContent = draft.isStopped ? words.unsaved : words.saving;
  saveIn(PAUSE);
}

function saveIn(pause) {
  clearTimeout(timer);
  timer = setTimeout(() => inTurn(save), pause);
}

/* A save that got no answer is sent again as it was: whether it arrived, only the service knows. */
async function save() {
  if (draft.isStopped || !draft.isUnsaved) return;
  clearTimeout(timer);
  try {
    const again = draft.unanswered;
    if (!again) {
      await collect();
      draft.isUnsaved = false;
      draft.unanswered = { files: { ...draft.files }, version: draft.version, base: draft.base };
    }
    const told = await (await post(data.save, draft.unanswered)).json();
    Object.assign(draft, { unanswered: null, failures: 0, version: told.version, base: told.base });
    part("version").value = told.version;
    part("discard").hidden = false;
    part("overtaken").replaceChildren();
    tell(told);
    if (draft.name.endsWith(".form")) preview();
    if (draft.name.endsWith(".dmn")) offerFacts();
    if (again) return await save();
    if (!draft.isUnsaved) part("saved").textContent = `${words.saved} ${told.saved.replace(/<[^>]+>/g, "")}`;
  } catch (error) {
    draft.isUnsaved = true;
    draft.isStopped = error.status === 409;
    if (error.status >= 400 && error.status < 500 && error.status !== 401) draft.unanswered = null;
    part("saved").textContent = words.unsaved;
    warn(error);
    if (!error.status || error.status >= 500) saveIn(Math.min(LONGEST_PAUSE, PAUSE * 2 ** ++draft.failures));
  }
}

/* Says why nothing is saved; with what has overtaken this page, the own files to keep and the way to the others. */
function warn(error) {
  const note = made("div", { className: "say bad" }), inner = made("div", {});
  inner.append(made("p", { textContent: error.message }));
  if (error.status === 401) inner.append(made("a", { href: data.signIn, target: "_blank", rel: "noopener", textContent: words.signIn }));
  if (error.status === 409) {
    const kept = Object.keys(editors).map((name) => {
      const button = made("button", { type: "button", className: "btn btn-plain btn-row", textContent: `${words.download} ${name}` });
      button.addEventListener("click", () => keep(name));
      return button;
    });
    inner.append(...kept, " ", made("a", { href: location.pathname, textContent: words.reopen }));
  }
  note.append(inner);
  part("overtaken").replaceChildren(note);
}

/* Gives a file of this page to keep. */
async function keep(name) {
  await inTurn(collect);
  const address = URL.createObjectURL(new Blob([draft.files[name]], { type: "text/plain" }));
  made("a", { download: name, href: address }).click();
  URL.revokeObjectURL(address);
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
  part("gate-tests").replaceChildren(tag(failed ? "bad" : told.tests.length ? "ok" : "", `${part("tests").dataset.name} ${told.tests.length - failed} / ${told.tests.length}`));
  const tested = part("gate-backtest");
  if (tested) Object.assign(tested, { href: told.backtest?.address ?? "", hidden: !told.backtest }).replaceChildren(...(told.backtest ? [tag(told.backtest.look, told.backtest.said)] : []));
  part("findings").replaceChildren(...(told.findings.length ? told.findings.map(finding) : [made("p", { className: "muted", textContent: words.noFindings })]));
  part("differences-count").textContent = told.differences.length;
  part("differences").replaceChildren(...(told.differences.length ? told.differences.map(difference) : [made("li", { className: "muted", textContent: words.noDifferences })]));
  part("tests").replaceChildren(...told.tests.map((one) => {
    const item = made("li", {});
    item.append(tag(one.problem ? "bad" : "ok", one.name), ...(one.problem ? [made("span", { className: "detail", textContent: one.problem }), way({ file: data.tests.name, line: lineOf(one.name) })] : []));
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
  if (one.file in draft.files || one.file === data.tests.name) inner.append(way(one));
  box.append(inner);
  return box;
}

/* The line of a model test. */
function lineOf(name) {
  return (draft.files[data.tests.name] ?? data.tests.text).split("\n").findIndex((line) => line.includes(name)) + 1;
}

/* Opens the file of a finding at its element, field, rule or line. */
function way({ file, element, line }) {
  const go = made("button", { type: "button", className: "btn btn-quiet btn-row", textContent: `${words.locate} ${element || (line ? `${file}:${line}` : file)}` });
  go.addEventListener("click", async () => {
    if (draft.name !== file) await open(file);
    await draft.editor?.locate(element, line);
    part("editor").scrollIntoView({ block: "nearest" });
  });
  return go;
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
  const { name } = draft;
  const shown = await post(data.form, { form: draft.files[name] }).then((answer) => answer.text(), (error) => error);
  if (draft.name !== name) return;
  if (shown instanceof Error) part("preview").textContent = shown.message;
  else part("preview").innerHTML = shown;
}

/* One input for each column of the table, the result below. */
function offerFacts() {
  const xml = new DOMParser().parseFromString(draft.files[draft.name], "application/xml");
  const names = [...new Set([...xml.getElementsByTagNameNS("*", "inputExpression")].map((one) => one.textContent.trim()).filter((name) => /^\w+$/.test(name)))];
  const was = new FormData(part("decide"));
  if (String([...was.keys()]) === String(names) && part("decide").children.length) return;
  const inputs = names.map((name) => {
    const box = made("div", { className: "field" });
    const input = made("input", { id: `fact-${name}`, name, className: "form-control", value: was.get(name) ?? "" });
    box.append(made("label", { htmlFor: `fact-${name}`, textContent: name }), input);
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
  const facts = Object.fromEntries([...new FormData(event.target)].map(([name, text]) => [name, typed(text)]));
  try {
    await inTurn(collect);
    const told = await (await post(data.decision, { files: draft.files, table: draft.name.replace(/\.dmn$/, ""), facts })).json();
    const result = told.result === null ? words.noRule : `${words.result}: ${JSON.stringify(told.result)}`;
    part("decided").textContent = told.problem ? said(told.problem) : result;
  } catch (error) {
    part("decided").textContent = error.message;
  }
});

const said = (pair) => (typeof pair === "string" ? pair : pair[document.documentElement.lang.startsWith("zh") ? 0 : 1]);

/* Sent is what was saved last; what is not saved stays on the page. */
part("propose").form.addEventListener("submit", async (event) => {
  if (!draft.isUnsaved) return;
  event.preventDefault();
  await inTurn(save);
  if (draft.isUnsaved) part("overtaken").scrollIntoView({ block: "center" });
  else event.target.requestSubmit(event.submitter);
});
addEventListener("beforeunload", (event) => {
  document.activeElement?.blur(); // what is being typed is a change, too
  if (draft.isUnsaved) event.preventDefault();
});
for (const back of ["online", "focus"]) addEventListener(back, () => draft.isUnsaved && !draft.isStopped && saveIn(0));

async function enter() {
  dialect = await (await fetch(data.dialect)).json();
  toolWords = data.toolWords ? await (await fetch(data.toolWords)).json() : {};
  const list = made("datalist", { id: "known-variables" });
  list.append(...data.choices.variables.map((name) => new Option(name)));
  document.body.append(list);
  await open(data.main);
  tell(data.told);
  part("studio").dataset.ready = "1";
}

enter().catch((error) => {
  console.error(error);
  part("editor").textContent = error.message;
});
