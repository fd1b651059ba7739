/* The player of a case: diagram, slider, inputs and variables move together. */
"use strict";

const box = document.getElementById("diagram");
const words = box.dataset;
const slider = document.getElementById("moment");
const play = document.getElementById("play");

class Player {
  constructor(film) {
    this.film = film;
    this.at = 0; // number of the input shown, from 1
    this.timer = null;
    this.diagram = new Diagram(box);
    this.shown = null; // digest of the diagram drawn
    this.xml = {};
    this.links = [...document.querySelectorAll(".inputs a")];
  }

  get length() {
    return this.film.steps.length;
  }

  async show(number) {
    const at = Math.max(1, Math.min(number, this.length));
    if (at === this.at) return;
    this.at = at;
    const step = this.film.steps[at - 1];
    slider.value = at;
    slider.setAttribute("aria-valuetext", `${at} / ${this.length} ${step.at} ${step.what}`);
    document.getElementById("place").textContent = `${at} / ${this.length}`;
    this.links.forEach((link, n) => {
      link.toggleAttribute("aria-current", false);
      if (n + 1 === at) link.setAttribute("aria-current", "step");
      link.parentElement.classList.toggle("ahead", n + 1 > at);
    });
    const list = this.links[at - 1].closest("ol");
    list.scrollTop = this.links[at - 1].offsetTop - list.offsetTop - list.clientHeight / 2;
    this.tellData(step);
    this.tellForm(step);
    history.replaceState(null, "", `?step=${at}`);
    await this.draw(step, at);
  }

  async draw(step, at) {
    if (this.shown !== step.definition) {
      this.xml[step.definition] ||= await fetchText(this.film.diagrams[step.definition]);
      await this.diagram.open(this.xml[step.definition]);
      this.shown = step.definition;
      this.diagram.fit(step.tokens);
    } else this.diagram.reveal(step.tokens);
    if (at !== this.at) return; // the reader went on while the diagram was fetched
    const { diagram } = this;
    diagram.clear();
    diagram.markFlows(this.film.steps.slice(0, at));
    for (const [id, times] of Object.entries(step.done)) {
      diagram.mark(id, "is-done");
      const text = times > 1 ? `✓ ${times}` : "✓";
      if (/Task$|Activity$|SubProcess$/.test(diagram.typeOf(id))) diagram.pin(id, "ok", text, words.done.replace("{}", times));
    }
    for (const id of step.tokens) {
      diagram.mark(id, "is-active");
      if (!/BoundaryEvent$|SubProcess$/.test(diagram.typeOf(id))) diagram.pin(id, "token", "●", words.token, { top: -15, left: -15 });
    }
    if (at === this.length)
      for (const id of this.film.incidents) {
        diagram.mark(id, "is-incident");
        diagram.pin(id, "bad", "!", words.incident, { bottom: 14, right: 14 });
      }
  }

  tellData(step) {
    const body = document.getElementById("variables");
    const onlyChanged = document.getElementById("changed").getAttribute("aria-pressed") === "true";
    body.replaceChildren(...step.data.filter((row) => row.changed || !onlyChanged).map(variableRow));
    if (!body.children.length) body.append(tableRow([cell(words.nothing, "muted", 3)]));
  }

  tellForm(step) {
    const rows = [[words.what, step.what], [words.who, step.who], [words.when, step.whole], ...(step.form ? [] : step.given)];
    rows.push([words.version, String(step.version)]);
    const told = rows.flatMap(([label, word]) => [element("dt", label), element("dd", word)]);
    if (step.sender) told.push(...leading(words.sender, [[step.sender.text, step.sender.link]]));
    told.push(...leading(words.papers, step.papers), ...leading(words.rows, step.rows));
    document.getElementById("answered").replaceChildren(...told);
    document.getElementById("form-then").innerHTML = step.form; // drawn by the server, escaped there
  }

  toggle() {
    if (this.timer) return this.stop();
    if (this.at === this.length) this.show(1);
    play.setAttribute("aria-pressed", "true");
    play.querySelector("span").textContent = words.pause;
    this.timer = setInterval(() => (this.at < this.length ? this.show(this.at + 1) : this.stop()), 1000);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    play.setAttribute("aria-pressed", "false");
    play.querySelector("span").textContent = words.play;
  }
}

function element(tag, text, css) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (css) made.className = css;
  return made;
}

/* A heading and what it leads to, nothing where there is none. */
function leading(heading, links) {
  const told = links.map(([text, address]) => {
    const to = document.createElement("dd");
    const link = element("a", text);
    if (address) link.href = address;
    to.append(link);
    return to;
  });
  return told.length ? [element("dt", heading), ...told] : [];
}

function cell(text, css, span) {
  const made = element("td", text, css);
  if (span) made.colSpan = span;
  return made;
}

function tableRow(cells) {
  const row = document.createElement("tr");
  row.append(...cells);
  return row;
}

function variableRow(row) {
  const name = document.createElement("td");
  if (row.label) name.append(`${row.label} `);
  name.append(element("code", row.name));
  const after = document.createElement("td");
  const word = row.changed ? element("ins", row.after) : element("span", row.after, "muted");
  if (row.link) {
    const link = element("a", "");
    link.href = row.link;
    link.append(word);
    after.append(link);
  } else after.append(word);
  return tableRow([name, cell(row.before, row.changed ? "" : "muted"), after]);
}

async function begin() {
  const film = JSON.parse(await fetchText(box.dataset.film));
  const player = new Player(film);
  const acts = {
    first: () => player.show(1), back: () => player.show(player.at - 1), next: () => player.show(player.at + 1),
    last: () => player.show(player.length), play: () => player.toggle(),
  };
  for (const button of document.querySelectorAll("[data-act]")) {
    button.disabled = false;
    button.addEventListener("click", () => {
      if (button.dataset.act !== "play") player.stop();
      acts[button.dataset.act]();
    });
  }
  slider.disabled = false;
  slider.addEventListener("input", () => player.show(Number(slider.value)));
  player.links.forEach((link, n) => link.addEventListener("click", (event) => {
    event.preventDefault();
    player.stop();
    player.show(n + 1);
  }));
  const changed = document.getElementById("changed");
  changed.addEventListener("click", () => {
    changed.setAttribute("aria-pressed", String(changed.getAttribute("aria-pressed") !== "true"));
    player.tellData(film.steps[player.at - 1]);
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select, summary")) return;
    const keys = { ArrowLeft: "back", ArrowRight: "next", Home: "first", End: "last", " ": "play" };
    if (!(event.key in keys) || (event.key === " " && event.target.matches("button, a"))) return;
    event.preventDefault();
    if (keys[event.key] !== "play") player.stop();
    acts[keys[event.key]]();
  });
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => player.diagram.zoom(button.dataset.zoom));
  await player.show(Number(box.dataset.step));
}

begin().catch((error) => {
  console.error(error);
  box.textContent = words.failed;
});
