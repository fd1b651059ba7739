/* What is typed into a long form stays in this tab until it is saved: a refusal, an end of the session, a broken line lose
   nothing. It goes with the tab, with signing out, and when somebody else signs in. The server keeps it too, for another
   machine, and says who else is filling in the same. Files, passwords and numbers of persons (data-personal) are not kept. */
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

/* What differs from the page as it came. */
function changed(form) {
  const isBox = (f) => f.type === "radio" || f.type === "checkbox";
  const differs = (f) => (isBox(f) ? f.checked !== f.defaultChecked : f.tagName === "SELECT" ? f.value && !f.selectedOptions[0].defaultSelected : f.value !== f.defaultValue);
  return fieldsOf(form).filter(differs).map((f) => [f.name, isBox(f) ? `${f.value}=${f.checked}` : f.value]);
}

/* Save a draft on the server ([] ends it), or ask for it; null when it is not to be had. What is too long for one is told. */
async function drafts(action, typed, form) {
  const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers"));
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token, "X-Background": "1" };
  const answer = await fetch("/drafts", { method: "POST", headers, redirect: "manual", body: JSON.stringify({ form: action, typed }) }).catch(() => null);
  const note = form?.querySelector("[data-unkept]");
  if (note && answer) note.hidden = answer.status !== 413;
  return answer?.ok ? answer.json() : null;
}

function tellOthers(form, said) {
  const note = form.querySelector("[data-others]");
  if (!note || said === undefined) return;
  note.hidden = !said;
  note.querySelector("p").textContent = said;
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
    drafts(form.getAttribute("action"), []).then(() => location.reload());
  });
  form.dispatchEvent(new Event("kept"));
}

if (reader) {
  for (const key of entries()) {
    const isMine = key.startsWith(`${KEPT}${reader}:`);
    const isHere = keptForms.some((form) => keyOf(form) === key);
    const wasSent = JSON.parse(sessionStorage.getItem(key)).isSent;
    const isDone = wasSent && !isLost && (!isHere || document.querySelector(".flash.ok, .flash.warn"));
    if (isMine && isDone) drafts(key.slice(`${KEPT}${reader}:`.length), []);
    if (!isMine || isDone) sessionStorage.removeItem(key);
  }
  for (const form of keptForms) {
    take(form);
    let waiting, saving;
    const action = form.getAttribute("action");
    const save = () => {
      clearTimeout(saving);
      saving = setTimeout(async () => tellOthers(form, (await drafts(action, changed(form), form))?.others), 2000);
    };
    drafts(action).then((found) => {
      tellOthers(form, found?.others);
      if (!found?.typed.length || sessionStorage.getItem(keyOf(form)) || isLost) return;
      sessionStorage.setItem(keyOf(form), JSON.stringify({ typed: found.typed, isSent: false }));
      take(form);
    });
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => put(form, false), 400);
      save();
    });
    form.addEventListener("change", () => {
      put(form, false);
      save();
    });
    form.addEventListener("submit", () => {
      clearTimeout(waiting);
      clearTimeout(saving);
      put(form, true);
    });
  }
  addEventListener("submit", (event) => {
    if (event.target.hasAttribute("data-sign-out")) for (const key of entries()) sessionStorage.removeItem(key);
  });
}
