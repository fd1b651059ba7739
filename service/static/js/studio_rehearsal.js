/* The try-out: a case played by the engine with invented people, its tokens moving on the diagram, act by act. */
"use strict";

const script = { steps: [] };
const film = { moments: [], shown: 0, isPlaying: false };

/* Plays the script from its start, and shows what its last act brought on. */
async function rehearse() {
  film.isPlaying = false;
  try {
    if (!draft.name.endsWith(".bpmn")) await open(data.main);
    await inTurn(collect);
    script.start = JSON.parse(part("start-data").value || "{}");
    script.topics = JSON.parse(part("topic-data").value || "{}");
    const told = await (await post(data.rehearsal, { files: draft.files, script })).json();
    if (told.problem) script.steps.pop();
    film.moments = told.moments;
    part("moments").replaceChildren(...told.moments.map(momentRow));
    part("play-film").hidden = !told.moments.length;
    part("kept").hidden = !told.moments.length || Boolean(told.problem);
    const refused = told.problem ? [made("p", { className: "say bad", textContent: said(told.problem) })] : [];
    part("choices").replaceChildren(...refused, ...offers(told.moments.at(-1)));
    await showMoment(told.moments.length, !told.problem);
  } catch (error) {
    part("choices").replaceChildren(made("p", { className: "say bad", textContent: error.message }));
  }
}

/* The diagram as it stands after so many acts. */
function showMoment(number, isMoving) {
  film.shown = number;
  [...part("moments").children].forEach((item, n) => item.firstChild.setAttribute("aria-pressed", String(n + 1 === number)));
  return draft.editor?.trace(film.moments.slice(0, number), isMoving);
}

/* All acts after one another; again pressed, it stops. */
async function playFilm() {
  film.isPlaying = !film.isPlaying;
  for (let at = 1; film.isPlaying && at <= film.moments.length; at += 1) {
    await showMoment(at, true);
    await new Promise((done) => setTimeout(done, 500));
  }
  film.isPlaying = false;
}

function momentRow(one, n) {
  const item = made("li", {}), [kind, name = ""] = one.act.split(" ");
  const act = [words[`act_${kind}`], named(name)].filter(Boolean).join(" ");
  const button = made("button", { type: "button", className: "btn btn-quiet btn-row", textContent: act });
  button.addEventListener("click", () => {
    film.isPlaying = false;
    showMoment(n + 1, true);
  });
  const passed = one.passed.map(named).join(" → ") || "—";
  item.append(button, made("span", { className: "detail", textContent: `${words.passed}: ${passed}` }));
  if (one.ended) item.append(tag("ok", words.ended));
  return item;
}

/* An element as the diagram calls it, with its id. */
function named(id) {
  const name = draft.editor?.nameOf?.(id);
  return name ? `${name} (${id})` : id;
}

function offers(last) {
  if (!last || last.ended) return [];
  const tasks = last.waiting.map(({ element, role, form }) => {
    const whose = [element, draft.editor?.nameOf?.(element), data.choices.roles[role] ?? role].filter(Boolean).join(" · ");
    return offer({ complete: element }, `${words.waiting}: ${whose}`, form);
  });
  return [...tasks, ...last.listening.map((name) => offer({ [name.split(":")[0]]: name.split(":")[1] }, `${words.listening}: ${name}`))];
}

/* What can be done next: the form as the role will see it, whose answers are written below it. */
function offer(one, label, form) {
  const box = made("div", { className: "field offer" }), input = made("input", { className: "form-control mono", value: "{}", ariaLabel: label });
  const button = made("button", { type: "button", className: "btn btn-plain btn-row", textContent: words.do });
  button.addEventListener("click", () => {
    const shown = box.querySelector(".shown-form");
    if (shown && input.value === (input.dataset.answers ?? "{}") && !shown.reportValidity()) return;
    try {
      script.steps.push({ ...one, with: JSON.parse(input.value || "{}") });
      rehearse();
    } catch (error) {
      box.append(made("p", { className: "say bad", role: "alert", textContent: error.message }));
    }
  });
  box.append(made("span", { className: "label", textContent: label }));
  if (form && draft.files[`${form}.form`]) box.append(shownForm(form, input, button));
  box.append(...("timer" in one ? [] : [input]), button);
  return box;
}

/* Nothing can be done before the form is there to ask for what is required. */
function shownForm(form, input, button) {
  const shown = made("form", { className: "shown-form" });
  button.disabled = true;
  shown.addEventListener("submit", (event) => event.preventDefault());
  shown.addEventListener("input", () => (input.value = input.dataset.answers = JSON.stringify(answersOf(shown))));
  post(data.form, { form: draft.files[`${form}.form`] })
    .then(async (answer) => (shown.innerHTML = await answer.text()))
    .catch((error) => (shown.textContent = error.message))
    .finally(() => (button.disabled = false));
  return shown;
}

/* The answers as the task would hand them in: numbers as numbers, ticks as truths, several choices as a list. */
function answersOf(shown) {
  const found = {};
  for (const [name, text] of new FormData(shown)) {
    const fields = [...shown.elements].filter((it) => it.name === name), [field] = fields;
    if (text === "" || text instanceof File) continue;
    if (field.type === "checkbox") found[name] = fields.length > 1 ? [...(found[name] ?? []), text] : true;
    else found[name] = field.inputMode && !Number.isNaN(Number(text)) ? Number(text) : text;
  }
  return found;
}

/* Writes the way that was taken into the file of model tests; JSON is YAML, too. */
part("kept").addEventListener("submit", (event) => {
  event.preventDefault();
  const { name } = data.tests, last = film.moments.at(-1), title = part("test-name").value.trim();
  const expected = { path: film.moments.flatMap(({ passed }) => passed), ...(last.ended ? { ends: true } : { waits: last.waiting.map(({ element }) => element) }) };
  const lines = Object.entries({ name: title, ...script, ...expected }).map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const held = editors[name], written = held?.editor.box.value ?? draft.files[name] ?? data.tests.text;
  draft.files[name] = `${written.trim() === "[]" ? "" : written.trimEnd()}\n- ${lines.join("\n  ")}\n`.trimStart();
  if (held) held.editor.open(draft.files[name]);
  event.target.reset();
  listFiles();
  changed({});
});

part("play").addEventListener("click", () => {
  script.steps = [];
  rehearse();
});
part("play-film").addEventListener("click", playFilm);
