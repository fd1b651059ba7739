/* On every page: appearance at once, menus that close, the way back, choices that are marked. Pages work without it. */
"use strict";

const root = document.documentElement;

/* Theme and text size change in place; the form tells the server, one after the other, so that the next page has them. */
let saved = Promise.resolve();
let unsaved = 0;
addEventListener("click", (event) => {
  const button = event.target.closest("button[name=theme], button[name=text]");
  if (!button || !button.form) return;
  event.preventDefault();
  const sent = new FormData(button.form);
  sent.set(button.name, button.value);
  if (button.name === "theme") {
    root.dataset.bsTheme = button.value;
    for (const other of document.querySelectorAll("button[name=theme]")) other.value = button.value === "dark" ? "light" : "dark";
  } else {
    root.dataset.text = button.value;
    for (const other of document.querySelectorAll("button[name=text]")) {
      other.value = button.value ? "" : "large";
      other.setAttribute("aria-pressed", String(Boolean(root.dataset.text)));
    }
  }
  const { action } = button.form;
  unsaved += 1;
  saved = saved.then(() => fetch(action, { method: "POST", body: sent, headers: { "X-Background": "1" } })).catch(() => undefined).finally(() => (unsaved -= 1)); // offline it is not kept
});
addEventListener("submit", (event) => {
  if (!unsaved || !event.target.matches(".look, .more")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  saved.then(() => event.target.requestSubmit(event.submitter));
}, true);

/* A menu closes when something else is clicked, and by Escape. */
addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

for (const back of document.querySelectorAll("[data-back]")) {
  back.hidden = history.length < 2;
  back.addEventListener("click", () => history.back());
}

/* The chosen one of several choices is tinted. */
function markChoices(scope) {
  for (const label of scope.querySelectorAll(".choice label")) label.classList.toggle("on", label.querySelector("input").checked);
}
addEventListener("change", (event) => {
  const choice = event.target.closest(".choice");
  if (choice) markChoices(choice);
});
markChoices(document);

/* A form is sent once, however often the button is pressed. */
addEventListener("submit", (event) => {
  const form = event.target;
  if (form.hasAttribute("hx-post") || form.hasAttribute("data-download")) return; // a download leaves the page as it is
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  if (form.hasAttribute("data-sign-out")) for (const key of Object.keys(localStorage)) if (key.startsWith("draft:")) localStorage.removeItem(key);
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

/* What was submitted needs no draft any more. */
for (const said of document.querySelectorAll("[data-draft-done]")) localStorage.removeItem(`draft:${document.body.dataset.user}:${said.dataset.draftDone}`);

/* The leaf one is on stands in view, however many there are beside it. */
for (const leaf of document.querySelectorAll(".leaves [aria-current], .side [aria-current]")) {
  const bar = leaf.closest(".leaves, .side");
  bar.scrollLeft = leaf.offsetLeft - (bar.clientWidth - leaf.offsetWidth) / 2;
}

/* Places that do not fit into the bar are behind 更多. */
const places = document.querySelector(".bar nav");
if (places) {
  const rest = document.querySelector(".bar .rest");
  const fit = () => {
    rest.hidden = true;
    rest.hidden = places.scrollHeight <= places.clientHeight + 1 || !places.clientHeight;
  };
  fit();
  new ResizeObserver(fit).observe(document.querySelector(".bar"));
}

/* The slash leads to the search of everything, where the page has no list of its own to look through. */
addEventListener("keydown", (event) => {
  const seek = document.querySelector("[data-seek]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !seek || document.getElementById("find")) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  event.preventDefault();
  seek.focus();
});

/* A date is written as people write it, and stands there in one form once it is left. */
addEventListener("change", (event) => {
  const field = event.target;
  if (!field.matches?.("[data-date]")) return;
  const text = field.value.normalize("NFKC").trim();
  const found = /^(\d{4})(?:\s*([-/.])\s*(\d{1,2})\s*\2\s*(\d{1,2})|\s*年\s*(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]?|(\d{2})(\d{2}))$/.exec(text);
  if (!found) return;
  const [month, day] = [found[3] ?? found[5] ?? found[7], found[4] ?? found[6] ?? found[8]].map((one) => one.padStart(2, "0"));
  field.value = `${found[1]}-${month}-${day}`;
}, true);

/* The way back from a row leads to the list as it was: its filters and its page. */
if (document.querySelector("main form[role=search]")) sessionStorage.setItem(`list:${location.pathname}`, location.search);
for (const link of document.querySelectorAll(".crumb a")) {
  const kept = sessionStorage.getItem(`list:${link.pathname}`);
  if (kept && !link.search && link.pathname !== location.pathname) link.search = kept;
}

/* What was asked for in the background and did not come is told; it goes when something comes again. */
const notice = document.getElementById("notice");
const tellLost = (said) => {
  if (!notice || notice.querySelector("[data-lost]")) return;
  const note = Object.assign(document.createElement("div"), { className: "say warn flash", textContent: said });
  note.dataset.lost = "1";
  notice.append(note);
};
addEventListener("htmx:sendError", () => tellLost(notice?.dataset.offline));
addEventListener("htmx:timeout", () => tellLost(notice?.dataset.offline));
addEventListener("htmx:responseError", (event) => event.detail.xhr.status >= 500 && tellLost(notice?.dataset.failed));
addEventListener("htmx:afterOnLoad", (event) => event.detail.successful && notice?.querySelector("[data-lost]")?.remove());
