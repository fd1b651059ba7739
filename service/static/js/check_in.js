/* The check-in desk. One tap a person, with the net or without it: what is tapped stays in this browser, as ids alone, until
   the server has answered. A batch keeps its id, so that it is done once however often it is sent. A code is read by the
   camera where the browser can. Without this script the page is a form. */
"use strict";

{
  const desk = document.querySelector("[data-desk]");
  const KEY = `check-in:${document.body.dataset.user}:${desk.dataset.desk}`;
  const AGAIN = [2, 5, 10, 30]; // seconds between tries while the server is not reached
  const part = (name, place = desk) => place.querySelector(`[data-${name}]`);
  const rowOf = (task) => document.querySelector(`tr[data-task="${task}"]`);
  const rows = () => [...desk.querySelectorAll("tr[data-task]")];
  const [saidDone, saidLater, saidRefused] = desk.querySelectorAll(".desk-said > .say");
  const lines = desk.querySelectorAll(".desk-said [data-when]");

  /* Kept: {sent: {id, tasks} or null, waiting: [task]}. What was sent is sent again as it was, until it is answered. */
  let kept = JSON.parse(localStorage.getItem(KEY) || "null") || { sent: null, waiting: [] };
  const held = () => [...(kept.sent?.tasks ?? []), ...kept.waiting];
  const keep = () => (held().length ? localStorage.setItem(KEY, JSON.stringify(kept)) : localStorage.removeItem(KEY));

  function show(when) {
    saidLater.hidden = !when;
    for (const line of lines) line.hidden = line.dataset.when !== when;
    for (const n of desk.querySelectorAll(".desk-said [data-n]")) n.textContent = held().length;
    const waiting = new Set(kept.waiting), all = new Set(held());
    for (const row of rows()) {
      const isHeld = all.has(row.dataset.task);
      row.classList.toggle("held", isHeld);
      part("held", row).hidden = !isHeld;
      part("unhold", row).hidden = !waiting.has(row.dataset.task) || !when; // what is under way can be taken back when it is done
      row.querySelector("button[name=task_one]").hidden = isHeld;
      const box = row.querySelector("input[type=checkbox]");
      box.disabled = isHeld;
      if (isHeld) box.checked = false;
    }
  }

  function tell({ said, done, refused, undo }) {
    const came = part("came"), meter = part("of");
    came.dataset.came = Number(came.dataset.came) + done.length;
    came.textContent = Number(came.dataset.came).toLocaleString("en");
    meter.style.width = `${Math.min(100, (100 * came.dataset.came) / meter.dataset.of)}%`;
    document.querySelector(".flash")?.remove(); // of the page before
    saidDone.hidden = !done.length;
    part("done").textContent = said;
    part("undo").action = undo;
    for (const task of done) rowOf(task)?.remove();
    saidRefused.hidden = !refused.length;
    part("refused").replaceChildren(
      ...refused.map(({ task, name, why }) => {
        const row = rowOf(task);
        if (row) {
          row.classList.add("bad");
          part("why", row).textContent = why;
        }
        return Object.assign(document.createElement("p"), { textContent: `${name}：${why}` });
      }),
    );
    part("unseen").textContent = rows().length;
  }

  const newId = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    return [...bytes].map((byte, n) => ([4, 6, 8, 10].includes(n) ? "-" : "") + byte.toString(16).padStart(2, "0")).join("");
  };

  async function post({ id, tasks }) {
    const { "X-CSRFToken": token } = JSON.parse(document.body.getAttribute("hx-headers"));
    const body = new URLSearchParams([["submission", id], ...tasks.map((task) => ["task", task])]);
    const headers = { Accept: "application/json", "X-CSRFToken": token };
    const signal = AbortSignal.timeout?.(20000); // a line that hangs is as good as none
    return fetch(desk.dataset.desk, { method: "POST", headers, redirect: "manual", body, signal }).catch(() => null);
  }

  let busy = false, tries = 0, next;
  async function send() {
    clearTimeout(next);
    if (busy || !held().length) return;
    busy = true;
    if (!kept.sent) kept = { sent: { id: newId(), tasks: kept.waiting.slice(0, 50) }, waiting: kept.waiting.slice(50) };
    keep();
    show("");
    const answer = await post(kept.sent);
    const told = answer?.ok ? await answer.json().catch(() => null) : null;
    busy = false;
    if (told) {
      tries = 0;
      kept.sent = null;
      keep();
      show("");
      tell(told);
      return send();
    }
    if (answer?.type === "opaqueredirect" || answer?.status === 401) return show("over");
    if (answer && answer.status >= 400 && answer.status < 500 && answer.status !== 429) return show("refused");
    show("offline");
    next = setTimeout(send, 1000 * AGAIN[Math.min(tries++, AGAIN.length - 1)]);
  }

  function take(tasks) {
    const known = new Set(held());
    kept.waiting.push(...tasks.filter((task) => !known.has(task)));
    keep();
    show(saidLater.hidden ? "" : [...lines].find((line) => !line.hidden)?.dataset.when);
    if (!busy && tries === 0) send();
  }

  for (const said of [saidDone, saidLater, saidRefused]) said.hidden = true;
  desk.addEventListener("submit", (event) => {
    if (event.target.hasAttribute("data-undo")) return;
    const ticked = rows().filter((row) => row.querySelector("input[type=checkbox]").checked);
    const tasks = event.submitter?.name === "task_one" ? [event.submitter.value] : ticked.map((row) => row.dataset.task);
    if (!tasks.length) return; // the server says that nobody is chosen
    event.preventDefault();
    event.stopPropagation(); // the form may be sent again
    take(tasks);
  });
  desk.addEventListener("click", (event) => {
    if (event.target.closest("[data-send]")) send();
    if (event.target.closest("[data-drop]")) {
      kept = { sent: null, waiting: [] };
      keep();
      show("");
    }
    const undone = event.target.closest("[data-unhold]");
    if (undone) {
      kept.waiting = kept.waiting.filter((task) => task !== undone.closest("tr").dataset.task);
      keep();
      show("offline");
      if (!held().length) show("");
    }
  });
  addEventListener("online", send);
  addEventListener("beforeunload", (event) => held().length && event.preventDefault());

  /* A slip's code is the address of this page and the row of its holder; a telephone's own camera opens it likewise. */
  function find(address) {
    const { pathname, hash } = new URL(address, location.href);
    const row = pathname === location.pathname && hash && document.getElementById(hash.slice(1));
    for (const other of rows()) other.classList.toggle("at", other === row);
    if (!row) return false;
    row.hidden = false;
    row.scrollIntoView({ block: "center" });
    row.querySelector("button[name=task_one]").focus({ preventScroll: true });
    return true;
  }
  if (location.hash) find(location.href);

  const scan = part("scan");
  if (scan && "BarcodeDetector" in window && navigator.mediaDevices) {
    const [start, stop, view] = [part("start", scan), part("stop", scan), part("view", scan)];
    const hear = (when) => scan.querySelectorAll("[data-when]").forEach((line) => (line.hidden = line.dataset.when !== when));
    const end = () => {
      for (const track of view.srcObject?.getTracks() ?? []) track.stop();
      view.srcObject = null;
      view.hidden = stop.hidden = true;
      start.hidden = false;
    };
    scan.hidden = false;
    stop.addEventListener("click", end);
    start.addEventListener("click", async () => {
      hear("");
      const reader = new BarcodeDetector({ formats: ["qr_code"] });
      try {
        view.srcObject = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
        await view.play();
      } catch {
        return hear("blocked");
      }
      view.hidden = stop.hidden = false;
      start.hidden = true;
      while (view.srcObject) {
        const [code] = await reader.detect(view).catch(() => []);
        if (code) {
          end();
          if (!URL.canParse?.(code.rawValue) || !find(code.rawValue)) hear("unknown");
        } else await new Promise((resolve) => setTimeout(resolve, 200));
      }
    });
  }

  show("");
  send();
}
