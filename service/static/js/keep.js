/* What is typed into a long form stays in this tab until it is saved: a refusal, an end of the session, a broken line lose
   nothing. It goes with the tab, with signing out, and when somebody else signs in. Files, passwords and numbers of
   persons (data-personal) are not kept. */
"use strict";

const KEPT = "kept:";
const reader = document.body.dataset.user;
const keyOf = (form) => `${KEPT}${reader}:${form.getAttribute("action")}`;
const entries = () => Object.keys(sessionStorage).filter((key) => key.startsWith(KEPT));
const isLost = document.querySelector("[data-error]"); // the page says that nothing was saved
const keptForms = [...document.querySelectorAll("form[data-keep]")];

function fieldsOf(form) {
  const left = ["hidden", "submit", "button", "file", "password"];
  return [...form.elements].filter((field) => field.name && !left.includes(field.type) && !field.closest("[data-personal]"));
}

function put(form, isSent) {
  const typed = fieldsOf(form).map((f) => [f.name, f.type === "radio" || f.type === "checkbox" ? `${f.value}=${f.checked}` : f.value]);
  sessionStorage.setItem(keyOf(form), JSON.stringify({ typed, isSent }));
}

function take(form) {
  const kept = JSON.parse(sessionStorage.getItem(keyOf(form)) || "null");
  if (!kept || form.querySelector(".refusal")) return;
  let differs = false;
  const byName = new Map();
  for (const field of fieldsOf(form)) byName.set(field.name, [...(byName.get(field.name) ?? []), field]);
  for (const [name, text] of kept.typed)
    for (const field of byName.get(name) ?? []) {
      if (form.hasAttribute("data-filled") && (field.value || field.checked)) continue; // a file was read over it
      const isBox = field.type === "radio" || field.type === "checkbox";
      const [before, after] = isBox ? [field.checked, text === `${field.value}=true`] : [field.value, text];
      if (isBox && !text.startsWith(`${field.value}=`)) continue;
      if (before === after) continue;
      differs = true;
      if (isBox) field.checked = after;
      else field.value = after;
    }
  if (!differs) return;
  const note = form.querySelector("[data-kept-note]");
  note.hidden = false;
  note.querySelector("button").addEventListener("click", () => {
    sessionStorage.removeItem(keyOf(form));
    location.reload();
  });
  form.dispatchEvent(new Event("kept"));
}

if (reader) {
  for (const key of entries()) {
    const isMine = key.startsWith(`${KEPT}${reader}:`);
    const isHere = keptForms.some((form) => keyOf(form) === key);
    const wasSent = JSON.parse(sessionStorage.getItem(key)).isSent;
    const isDone = wasSent && !isLost && (!isHere || document.querySelector(".flash.ok, .flash.warn"));
    if (!isMine || isDone) sessionStorage.removeItem(key);
  }
  for (const form of keptForms) {
    take(form);
    let waiting;
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => put(form, false), 400);
    });
    form.addEventListener("change", () => put(form, false));
    form.addEventListener("submit", () => {
      clearTimeout(waiting);
      put(form, true);
    });
  }
  addEventListener("submit", (event) => {
    if (event.target.hasAttribute("data-sign-out")) for (const key of entries()) sessionStorage.removeItem(key);
  });
}
