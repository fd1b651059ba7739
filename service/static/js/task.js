/* The task page: fields that depend on a choice, a draft on this computer, and keys. */
"use strict";

const form = document.querySelector("form[data-draft]");

if (form) {
  const value = (name) => {
    const field = form.elements[name];
    if (!field) return "";
    const isSet = field instanceof RadioNodeList;
    if ((isSet ? field[0] : field).disabled) return ""; // hidden: it is not sent, and what depends on it hides too
    if (isSet) return field.value;
    return field.type === "checkbox" ? (field.checked ? "true" : "") : field.value;
  };
  const holds = (text) => JSON.parse(text).some((terms) => terms.every(([name, same, word]) => (value(name) === word) === same));

  const show = () => {
    let changed = false;
    for (const part of form.querySelectorAll("[data-show-if]")) {
      const hidden = !holds(part.dataset.showIf);
      changed ||= hidden !== part.hidden;
      part.hidden = hidden;
      for (const field of part.querySelectorAll("input, textarea, select")) field.disabled = hidden;
    }
    return changed;
  };
  const arrange = () => {
    for (let turns = form.elements.length; show() && turns > 0; turns--); // a field may depend on one below it
    for (const part of form.querySelectorAll("[data-required-if]")) {
      const must = holds(part.dataset.requiredIf);
      for (const field of part.querySelectorAll("input:not([type=checkbox]), textarea, select")) field.required = must;
      const label = part.querySelector("label, legend");
      const star = label.querySelector(".must");
      if (must && !star) label.insertAdjacentHTML("beforeend", '<span class="must" aria-hidden="true">*</span>');
      if (!must && star) star.remove();
    }
  };

  /* The draft: every field but personal ones, under the account and the task. */
  const key = `draft:${document.body.dataset.user}:${form.dataset.draft}`;
  const note = form.querySelector("[data-draft-note]");
  const kept = () => [...form.elements].filter((f) => f.name && f.type !== "hidden" && f.type !== "submit" && f.type !== "button" && !f.closest("[data-personal]"));
  const say = (text) => {
    note.textContent = text;
    note.hidden = false;
  };
  const save = () => {
    const draft = kept().map((f) => [f.name, f.type === "radio" || f.type === "checkbox" ? `${f.value}=${f.checked}` : f.value]);
    localStorage.setItem(key, JSON.stringify(draft));
    say(note.dataset.saved.replace("{}", new Date().toTimeString().slice(0, 5)));
  };
  /* Rows of a list: a new one is drawn from the template, one that is taken away leaves a gap, which the server closes. */
  const numbers = (list) => [...list.querySelectorAll(":scope > .list-row > input[type=hidden]")].map((f) => Number(f.name.split(".")[1]));
  const addRow = (list, number = Math.max(-1, ...numbers(list)) + 1) => {
    const at = list.querySelectorAll(".list-row").length + 1;
    const row = document.createElement("div");
    row.innerHTML = list.querySelector("template").innerHTML.replaceAll("__n__", number).replaceAll("__at__", at);
    const added = row.firstElementChild;
    list.querySelector("template").before(added);
    return added;
  };
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-add-row], [data-remove-row]");
    if (!button) return;
    event.preventDefault();
    const list = button.closest("[data-list]");
    const row = button.closest(".list-row");
    const shown = row ? (row.nextElementSibling?.matches(".list-row") ? row.nextElementSibling : list) : addRow(list);
    row?.remove();
    (shown === list ? list.querySelector("[data-add-row]") : shown.querySelector("input:not([type=hidden]), textarea, select")).focus();
    save();
  });
  const makeRoom = (draft) => {
    for (const [name] of draft) {
      const [listed, number, field] = name.split(".");
      const list = field && form.querySelector(`[data-list="${CSS.escape(listed)}"]:has(template)`);
      if (list && !numbers(list).includes(Number(number))) addRow(list, Number(number));
    }
  };
  const restore = () => {
    const draft = JSON.parse(localStorage.getItem(key) || "null");
    if (form.hasAttribute("data-returned") && !form.querySelector(".refusal")) save();
    if (!draft || form.hasAttribute("data-returned")) return;
    makeRoom(draft);
    for (const [name, text] of draft)
      for (const field of kept().filter((f) => f.name === name)) {
        if (field.type !== "radio" && field.type !== "checkbox") field.value = text;
        else if (text === `${field.value}=true`) field.checked = true;
        else if (text === `${field.value}=false` && field.type === "checkbox") field.checked = false;
      }
    say(note.dataset.found);
  };

  let waiting;
  form.addEventListener("input", () => {
    arrange();
    clearTimeout(waiting);
    waiting = setTimeout(save, 600);
  });
  restore();
  arrange();
  markChoices(form);
  const wrong = form.querySelector("[aria-invalid=true], .refusal");
  if (wrong) wrong.focus();
}

/* j and k go through the list, as the links do. */
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const link = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (link) location.assign(link.href);
});
