/* A sheet (macro sheet.html): Enter and arrows move and never send; a column or block is pasted, filled down, taken back;
   what values mean, what is wrong and what is missing stands there while one types. Without it the sheet is a plain form. */
"use strict";

const TRUE = new Set(["是", "√", "✓", "y", "yes", "true", "1", "对"]);
const plain = (text) => text.normalize("NFKC").trim();
const bare = (text) => plain(text).toLowerCase().replace(/[\s·•‧∙･⋅・.]/g, "");

class Row {
  constructor(line, sheet) {
    [this.line, this.sheet] = [line, sheet];
    this.cells = [...line.querySelectorAll("[data-cell]")];
    this.why = line.querySelector("[data-why]");
    this.means = line.querySelector("[data-means]");
    this.told = this.why.innerHTML; // what the server said of it
    this.name = bare(line.dataset.name);
  }

  value(key) {
    const cell = this.cells.find((one) => one.dataset.cell === key);
    if (!cell || cell.disabled || cell.classList.contains("off")) return "";
    return cell.type === "checkbox" ? (cell.checked ? "true" : "") : plain(cell.value);
  }

  holds(text) {
    return JSON.parse(text).some((terms) => terms.every(([name, same, word]) => (this.value(name) === word) === same));
  }

  /* Write a text as one would type it; a word of a box (缺考) where a figure stands ticks the box. */
  put(cell, text) {
    const word = bare(text);
    if (cell.type === "checkbox") return void (cell.checked = TRUE.has(word) || word === bare(this.sheet.label(cell)));
    if (cell.tagName === "SELECT") {
      const found = [...cell.options].find((one) => bare(one.text) === word || one.value === text);
      cell.dataset.unknown = found || !word ? "" : text;
      return void (cell.value = found ? found.value : "");
    }
    const box = word && this.cells.find((one) => one.type === "checkbox" && bare(this.sheet.label(one)) === word);
    if (box) [box.checked, cell.value] = [true, ""];
    else cell.value = plain(text).slice(0, cell.maxLength > 0 ? cell.maxLength : undefined);
    if (!box) this.free(cell);
    cell.disabled = false;
  }

  /* A figure where 缺考 was ticked: the box goes, so that what was typed counts. */
  free(cell) {
    if (plain(cell.value)) for (const one of this.cells) if (one.type === "checkbox" && this.hides(one, cell)) one.checked = false;
  }

  /* Does a ticked box take this cell away? */
  hides(box, cell) {
    const rule = cell.closest("td").dataset.showIf;
    return Boolean(rule) && rule.includes(`"${box.dataset.cell}"`);
  }

  problem(cell) {
    const { words } = this.sheet, text = plain(cell.value), what = this.sheet.label(cell);
    if (cell.disabled || cell.type === "checkbox" || cell.classList.contains("off")) return "";
    if (cell.dataset.unknown) return words.choose.replace("{what}", cell.dataset.unknown);
    if (!text) {
      const { requiredIf } = cell.closest("td").dataset;
      return requiredIf && this.isFilled && this.holds(requiredIf) ? words.must.replace("{what}", what) : "";
    }
    if (!cell.dataset.number) return "";
    const [least, most, decimals] = JSON.parse(cell.dataset.number);
    const found = /^-?\d+(?:\.(\d*))?$/.exec(text);
    if (!found) return words.figure;
    if ((found[1] ?? "").length > decimals) return decimals ? words.decimals.replace("{n}", decimals) : words.whole;
    const isOut = (least !== null && Number(text) < Number(least)) || (most !== null && Number(text) > Number(most));
    return isOut ? words.range.replace("{a}", least ?? "").replace("{b}", most ?? "") : "";
  }

  get isFilled() {
    return this.cells.some((cell) => this.value(cell.dataset.cell) || cell.dataset.unknown);
  }

  show(isTyping) {
    for (const cell of this.cells) {
      const { showIf } = cell.closest("td").dataset;
      if (!showIf) continue;
      const isOff = !this.holds(showIf), isSoft = this.cells.some((one) => one.type === "checkbox" && one.checked && this.hides(one, cell));
      cell.disabled = isOff && !isSoft;
      cell.classList.toggle("off", isOff && isSoft); // one may still type there, and takes the tick away
    }
    const found = this.cells.map((cell) => [cell, this.problem(cell)]).find(([, said]) => said);
    if (isTyping) this.told = "";
    for (const cell of this.cells) {
      const isWrong = found ? found[0] === cell : this.told && cell.getAttribute("aria-invalid") === "true";
      cell.classList.toggle("is-wrong", Boolean(isWrong));
      if (isWrong) cell.setAttribute("aria-invalid", "true"), cell.setAttribute("aria-describedby", this.why.id);
      else cell.removeAttribute("aria-invalid");
    }
    if (found) this.why.textContent = found[1];
    else this.why.innerHTML = this.told;
    this.state = found || this.told ? "bad" : this.isFilled ? "good" : "empty";
    this.line.classList.toggle("bad", this.state === "bad");
    this.outcome = this.state === "good" ? this.sheet.outcomeOf(this) : "";
    if (this.means) {
      this.means.textContent = this.outcome && this.sheet.words[this.outcome];
      this.means.className = `tag ${{ ok: "ok", makeup: "warn", fail: "bad" }[this.outcome] ?? ""}`;
      this.means.hidden = !this.outcome;
    }
  }
}

class Sheet {
  constructor(form) {
    this.form = form;
    this.words = JSON.parse(form.dataset.words);
    this.outcome = form.dataset.outcome ? JSON.parse(form.dataset.outcome) : null;
    this.labels = Object.fromEntries([...form.querySelectorAll("th[data-column]")].map((head) => [head.dataset.column, head.textContent.trim()]));
    this.rows = [...form.querySelectorAll("tr[data-row]")].map((line) => new Row(line, this));
    this.said = form.querySelector("[data-sheet-said]");
    this.sums = form.querySelector("[data-sums]");
    this.send = form.querySelector("[data-send]");
    this.taken = [];
    form.querySelector("[data-sheet-help]").hidden = false;
    form.addEventListener("keydown", (event) => this.onKey(event));
    form.addEventListener("paste", (event) => this.onPaste(event));
    form.addEventListener("input", (event) => this.onType(event));
    form.addEventListener("change", (event) => this.onType(event));
    form.addEventListener("kept", () => this.showAll(true));
    form.addEventListener("focusin", (event) => event.target.matches("input[data-cell]:not([type=checkbox])") && event.target.select());
    for (const button of form.querySelectorAll("[data-only]")) button.addEventListener("click", () => this.only(button));
    for (const button of form.querySelectorAll("[data-fill]")) button.addEventListener("click", () => this.fill(button.dataset.fill, button.value));
    form.querySelector("[data-next-bad]")?.addEventListener("click", () => this.nextBad());
    addEventListener("keydown", (event) => event.key === "F8" && (event.preventDefault(), this.nextBad()));
    this.showAll(false);
  }

  label(cell) {
    return this.labels[cell.dataset.cell] ?? "";
  }

  rowOf(cell) {
    return this.rows.find((row) => row.line === cell.closest("tr"));
  }

  /* What follows from a figure: reached, to be made up for, or not. */
  outcomeOf(row) {
    if (!this.outcome) return "";
    const failed = row.line.dataset.last ? "fail" : "makeup";
    if (row.value(this.outcome.absent)) return failed;
    const text = row.value(this.outcome.column);
    return text ? (Number(text) >= this.outcome.pass ? "ok" : failed) : "";
  }

  showAll(isTyping) {
    for (const row of this.rows) row.show(isTyping);
    this.tell();
  }

  tell() {
    const { words } = this, count = (test) => this.rows.filter(test).length;
    const bad = count((r) => r.state === "bad"), empty = count((r) => r.state === "empty"), good = this.rows.length - bad - empty;
    const parts = [["", words.filled, `${this.rows.length - empty} / ${this.rows.length}`]];
    if (this.outcome) {
      const absent = count((r) => r.outcome && r.value(this.outcome.absent));
      parts.push(["ok", words.ok, count((r) => r.outcome === "ok")]);
      for (const one of ["makeup", "fail"]) if (one === "makeup" || count((r) => r.outcome === one)) parts.push(["warn", words[one], count((r) => r.outcome === one)]);
      if (absent) parts.push(["warn", words.absent, absent]);
    }
    parts.push(["bad", words.bad, bad], ["", words.empty, empty]);
    const figures = this.outcome ? this.rows.filter((r) => r.state === "good" && r.value(this.outcome.column)).map((r) => Number(r.value(this.outcome.column))) : [];
    if (figures.length) parts.push(["", words.average, (figures.reduce((a, b) => a + b, 0) / figures.length).toFixed(1)]);
    this.sums.replaceChildren(
      ...parts.map(([css, word, n]) => {
        const part = Object.assign(document.createElement("span"), { className: css, textContent: `${word} ` });
        part.append(Object.assign(document.createElement("b"), { textContent: n }));
        return part;
      }),
    );
    this.send.textContent = this.words.send.replace("{}", good);
    for (const [kind, n] of [["bad", bad], ["empty", empty]]) this.form.querySelector(`[data-only=${kind}] b`).textContent = n;
  }

  only(button) {
    for (const one of this.form.querySelectorAll("[data-only]")) one.setAttribute("aria-pressed", String(one === button));
    for (const row of this.rows) row.line.hidden = Boolean(button.dataset.only) && row.state !== button.dataset.only;
  }

  say(text) {
    this.said.textContent = text;
  }

  onType(event) {
    const cell = event.target;
    if (!cell.matches("[data-cell]")) return;
    delete cell.dataset.unknown;
    const row = this.rowOf(cell);
    if (bare(cell.value) && row.cells.some((one) => one.type === "checkbox" && bare(this.label(one)) === bare(cell.value))) row.put(cell, cell.value);
    else if (event.type === "input" && cell.matches("input:not([type=checkbox])")) row.free(cell);
    row.show(true);
    this.tell();
  }

  /* The cell of another row in the same column, past rows that are hidden or have none to fill in. */
  step(cell, by) {
    const key = cell.dataset.cell;
    for (let at = this.rows.indexOf(this.rowOf(cell)) + by; at >= 0 && at < this.rows.length; at += by) {
      const found = this.rows[at].cells.find((one) => one.dataset.cell === key);
      if (!this.rows[at].line.hidden && !found.disabled) return found;
    }
    return null;
  }

  beside(cell, by) {
    const { cells } = this.rowOf(cell);
    for (let at = cells.indexOf(cell) + by; at >= 0 && at < cells.length; at += by) if (!cells[at].disabled) return cells[at];
    return null;
  }

  onKey(event) {
    const cell = event.target;
    if (!cell.matches("[data-cell]") || event.isComposing) return;
    const isText = cell.matches("input:not([type=checkbox])");
    const atStart = !isText || cell.selectionEnd === 0 || cell.selectionEnd - cell.selectionStart === cell.value.length;
    const atEnd = !isText || cell.selectionStart === cell.value.length || cell.selectionEnd - cell.selectionStart === cell.value.length;
    const control = event.ctrlKey || event.metaKey;
    let act;
    if (event.key === "Enter" && control) act = () => this.form.requestSubmit(this.send);
    else if (control && event.key.toLowerCase() === "d") act = () => this.fillDown(cell);
    else if (control && event.key.toLowerCase() === "z" && this.taken.length) act = () => this.takeBack();
    else if (control || event.altKey) return;
    else if (event.key === "Enter") act = () => this.step(cell, event.shiftKey ? -1 : 1)?.focus();
    else if (event.key === "ArrowDown") act = () => this.step(cell, 1)?.focus();
    else if (event.key === "ArrowUp") act = () => this.step(cell, -1)?.focus();
    else if (event.key === "ArrowRight" && atEnd) act = () => this.beside(cell, 1)?.focus();
    else if (event.key === "ArrowLeft" && atStart) act = () => this.beside(cell, -1)?.focus();
    else if (cell.tagName === "SELECT" && /^[1-9]$/.test(event.key) && cell.options[event.key]) act = () => this.write([[cell, cell.options[event.key].value]]);
    if (!act) return;
    event.preventDefault();
    act();
  }

  /* Several cells at once; what stood there before can be had again. */
  write(pairs) {
    const touched = new Set(pairs.map(([cell]) => this.rowOf(cell)));
    this.taken.push([...touched].flatMap((row) => row.cells.map((one) => [one, one.value, one.checked])));
    for (const [cell, text] of pairs) this.rowOf(cell).put(cell, text);
    for (const row of touched) row.show(true);
    this.tell();
    this.form.dispatchEvent(new Event("change")); // to be kept
  }

  takeBack() {
    const before = this.taken.pop();
    for (const [cell, value, checked] of before) [cell.value, cell.checked] = [value, checked];
    for (const row of new Set(before.map(([cell]) => this.rowOf(cell)))) row.show(true);
    this.tell();
    this.form.dispatchEvent(new Event("change"));
    this.say(this.words.undone);
  }

  /* The value of the cell, or of the one above if it is empty, into the empty ones below. */
  fillDown(cell) {
    const from = cell.value || cell.checked ? cell : this.step(cell, -1);
    const text = from && (from.type === "checkbox" ? (from.checked ? "true" : "") : from.value);
    if (!text) return;
    const pairs = [];
    const isFree = (one) => (one.type === "checkbox" ? !one.checked : !one.value);
    for (let next = cell; next; next = this.step(next, 1)) if (isFree(next)) pairs.push([next, text]);
    if (pairs.length) this.write(pairs);
    this.say(this.words.down.replace("{n}", pairs.length));
  }

  /* One choice for all rows in which nothing was filled in yet. */
  fill(key, value) {
    const free = this.rows.filter((row) => row.state === "empty" && !row.line.hidden);
    const pairs = free.map((row) => [row.cells.find((one) => one.dataset.cell === key), value]);
    if (pairs.length) this.write(pairs);
    this.say(this.words.down.replace("{n}", pairs.length));
  }

  onPaste(event) {
    const cell = event.target;
    if (!cell.matches("[data-cell]")) return;
    const lines = event.clipboardData.getData("text/plain").replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n");
    const block = lines.map((line) => line.split("\t").map((text) => text.replace(/^"([\s\S]*)"$/, "$1").replaceAll('""', '"')));
    if (block.length === 1 && block[0].length === 1) return; // a single value, as anywhere
    event.preventDefault();
    const isNamed = block.every((texts) => texts.length > 1 && this.rows.filter((row) => row.name === bare(texts[0])).length === 1);
    const shown = this.rows.filter((row) => !row.line.hidden);
    const [first, column] = [shown.indexOf(this.rowOf(cell)), this.rowOf(cell).cells.indexOf(cell)];
    const target = (n) => (isNamed ? this.rows.find((row) => row.name === bare(block[n][0])) : shown[first + n]);
    const pairs = [];
    let surplus = 0;
    block.forEach((texts, n) => {
      const row = target(n);
      if (!row) surplus += texts.some((text) => text.trim()) ? 1 : 0;
      else (isNamed ? texts.slice(1) : texts).forEach((text, m) => row.cells[column + m] && pairs.push([row.cells[column + m], text]));
    });
    if (pairs.length) this.write(pairs);
    const { words } = this;
    this.say((isNamed ? words.named.replace("{n}", block.length) : words.pasted.replace("{n}", pairs.length)) + (surplus ? words.surplus.replace("{n}", surplus) : ""));
    cell.focus();
  }

  nextBad() {
    const bad = this.rows.filter((row) => row.state === "bad");
    if (!bad.length) return this.say(this.words.none);
    const here = this.rows.findIndex((row) => row.line.contains(document.activeElement));
    const next = bad.find((row) => this.rows.indexOf(row) > here) ?? bad[0];
    (next.cells.find((cell) => cell.getAttribute("aria-invalid") === "true") ?? next.cells[0]).focus();
    next.line.scrollIntoView({ block: "center" });
  }
}

for (const form of document.querySelectorAll("form[data-sheet]")) new Sheet(form);
