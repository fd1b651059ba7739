/* The end of a session: a warning two minutes before, 继续, and nothing typed is lost when it comes. Pages work without it. */
"use strict";

{
  const WARNING = 120; // seconds before the end
  const KEPT = "form:kept";
  const PERSONAL = new Set(["id_number", "phone", "mail"]); // as drafts do, what is typed of a person's numbers is not kept
  const note = document.getElementById("session-end");
  const here = location.pathname + location.search;
  const user = document.body.dataset.user;
  let end, last; // instants (ms): if nothing more is done, and in any case

  const fields = (form) =>
    [...form.elements].filter(
      (f) => f.name && !["hidden", "submit", "button", "password", "file", "reset"].includes(f.type) && !PERSONAL.has(f.name) && !f.closest("[data-personal]"),
    );
  const forms = () => [...document.querySelectorAll("form[method=post]:not([data-keep], [data-draft])")].filter((f) => fields(f).length); // those see to it themselves
  const keep = () => {
    const typed = forms().map((form) => [form.getAttribute("action"), fields(form).map((f) => [f.name, f.type === "radio" || f.type === "checkbox" ? [f.value, f.checked] : f.value])]);
    if (typed.length) sessionStorage.setItem(KEPT, JSON.stringify({ user, here, typed }));
  };
  const show = (when) => {
    note.hidden = !when;
    for (const line of note.querySelectorAll("[data-when]")) line.hidden = line.dataset.when !== when;
  };

  const restore = () => {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) || "null");
    sessionStorage.removeItem(KEPT);
    const isBack = document.referrer && new URL(document.referrer).pathname === "/sign-in";
    if (!kept || !isBack || kept.user !== user || kept.here !== here) return;
    let found = false;
    for (const [action, typed] of kept.typed) {
      const form = forms().find((f) => f.getAttribute("action") === action);
      for (const [name, value] of form ? typed : [])
        for (const field of fields(form).filter((f) => f.name === name)) {
          if (Array.isArray(value)) {
            if (field.value !== value[0]) continue;
            found ||= field.checked !== value[1];
            field.checked = value[1];
          } else {
            found ||= field.value !== value;
            field.value = value;
          }
          field.dispatchEvent(new Event("input", { bubbles: true }));
        }
    }
    if (found) show("restored");
  };

  const set = (left, until) => {
    end = Date.now() + 1000 * left;
    last = Date.now() + 1000 * until;
  };
  const ask = async (method) => {
    const headers = method === "POST" ? { "X-CSRFToken": JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"] } : { "X-Background": "1" };
    try {
      const answer = await fetch("/session", { method, headers, redirect: "manual" });
      if (answer.ok) {
        const { left, until } = await answer.json();
        set(left, until);
      } else if (answer.type === "opaqueredirect" || answer.status === 401) set(0, 0);
    } catch {
      /* the network is away for a moment: the clock goes on */
    }
  };

  /* Another tab may have prolonged the session, so the server is asked before anybody is warned or told that it is over. */
  let asked = 0;
  const tick = async () => {
    const left = Math.round((end - Date.now()) / 1000);
    if (left > WARNING) return note.hidden || note.querySelector("[data-when=restored]:not([hidden])") ? undefined : show("");
    if (Date.now() - asked > (left > 0 ? 20000 : 60000)) {
      asked = Date.now();
      await ask("GET");
      return tick();
    }
    if (left <= 0) {
      if (note.querySelector("[data-when=over]").hidden) keep();
      note.querySelector("[data-again]").search = `?next=${encodeURIComponent(here)}`;
      return show("over");
    }
    show(end >= last ? "longest" : "idle");
    for (const clock of note.querySelectorAll("[data-clock]")) clock.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
  };

  if (note && user) {
    restore();
    set(...document.body.dataset.left.split(" ").map(Number));
    setInterval(tick, 1000);
    addEventListener("visibilitychange", () => document.hidden || tick());
    addEventListener("pageshow", (event) => event.persisted && ask("GET").then(tick));
    note.querySelector("[data-continue]").addEventListener("click", () => ask("POST").then(tick));
    /* Sent after the end, a form comes back from the sign-in with what it held. */
    addEventListener("submit", (event) => {
      if (forms().includes(event.target)) keep();
    });
  }
}
