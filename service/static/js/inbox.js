/* The inbox: fresh every 15 seconds while nothing is chosen, keys, and the bar of chosen rows. */
"use strict";

const EVERY = 15000;
const list = () => document.getElementById("list");
const picks = () => [...document.querySelectorAll(".pick")];
const rows = () => [...document.querySelectorAll("[data-row]")];
let at = null; // id of the row the keys are on

function showChosen() {
  const chosen = picks().filter((pick) => pick.checked);
  for (const pick of picks()) pick.closest("tr").classList.toggle("on", pick.checked);
  const place = document.querySelector("[data-chosen]");
  const wide = document.querySelector("[data-all-pages]"); // the whole list, on all its pages
  if (wide && chosen.length < picks().length) wide.checked = false;
  if (place) place.textContent = wide?.checked ? wide.dataset.allPages : chosen.length;
  const all = document.querySelector("[data-all]");
  if (all) all.checked = chosen.length > 0 && chosen.length === picks().length;
}

addEventListener("change", (event) => {
  if (event.target.matches("[data-all], [data-all-pages]")) for (const pick of picks()) pick.checked = event.target.checked;
  if (event.target.matches("[data-all], [data-all-pages], .pick")) showChosen();
});
addEventListener("click", (event) => {
  if (!event.target.closest("[data-pick-all]")) return;
  for (const pick of picks()) pick.checked = true;
  showChosen();
});
addEventListener("reset", () => setTimeout(showChosen));

setInterval(() => {
  const busy = document.hidden || picks().some((pick) => pick.checked) || document.activeElement.matches("input[type=search]");
  if (!busy && list()) htmx.trigger(list(), "refresh");
}, EVERY);

function goTo(row) {
  for (const other of rows()) other.classList.toggle("at", other === row);
  if (!row) return;
  at = row.id;
  row.scrollIntoView({ block: "nearest" });
  row.querySelector(".main a").focus({ preventScroll: true });
}

document.addEventListener("htmx:afterSwap", () => {
  showChosen();
  const row = at && document.getElementById(at);
  if (row) row.classList.add("at");
});

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input:not(.form-check-input), textarea, select")) return;
  const all = rows();
  const now = all.findIndex((row) => row.classList.contains("at"));
  const keys = {
    j: () => goTo(all[Math.min(now + 1, all.length - 1)]),
    k: () => goTo(all[Math.max(now - 1, 0)]),
    x: () => now >= 0 && all[now].querySelector(".pick").click(),
    c: () => now >= 0 && all[now].querySelector("[data-claim]")?.click(),
    "/": () => document.getElementById("find").focus(),
  };
  if (!(event.key in keys)) return;
  event.preventDefault();
  keys[event.key]();
});

showChosen();
