/* The editor of bulletins: marks up the text in place and puts it into the form. Without it the text is typed plainly. */
"use strict";

const editor = document.querySelector("[data-editor]");
const field = document.getElementById("body");
const page = document.getElementById("page-body");

if (editor && field && page) {
  const form = field.form;
  editor.hidden = false;
  field.hidden = true;
  let mark = form.elements.markup;
  if (!mark) {
    mark = document.createElement("input");
    mark.type = "hidden";
    mark.name = "markup";
    mark.value = "1";
    form.append(mark);
  }
  document.execCommand("defaultParagraphSeparator", false, "p");
  document.querySelector(`label[for=${field.id}]`).addEventListener("click", () => page.focus());

  const put = () => {
    field.value = page.textContent.trim() ? page.innerHTML : "";
  };
  page.addEventListener("input", put);
  form.addEventListener("submit", put, true);

  /* The text of this reader out of this tab; scripts in it do not run, and the server cleans it anew. */
  const clean = (text) => {
    const parsed = new DOMParser().parseFromString(text, "text/html").body;
    for (const one of parsed.querySelectorAll("script, style, iframe, object, img, link")) one.remove();
    for (const one of parsed.querySelectorAll("*")) for (const { name } of [...one.attributes]) if (name !== "href") one.removeAttribute(name);
    return parsed.innerHTML;
  };

  /* What is pasted comes without the marks of where it was. */
  page.addEventListener("paste", (event) => {
    event.preventDefault();
    document.execCommand("insertText", false, event.clipboardData.getData("text/plain"));
  });

  const buttons = [...editor.querySelectorAll("[data-command]")];
  const show = () => {
    for (const button of buttons) {
      if (button.dataset.value || button.dataset.ask || button.dataset.command === "removeFormat") continue;
      button.setAttribute("aria-pressed", String(document.queryCommandState(button.dataset.command)));
    }
  };
  for (const button of buttons) {
    button.addEventListener("mousedown", (event) => event.preventDefault()); // the selection stays in the text
    button.addEventListener("click", () => {
      page.focus();
      let value = button.dataset.value;
      if (button.dataset.ask) {
        value = prompt(button.dataset.ask, "https://");
        if (!value || !/^(https?:\/\/|mailto:|tel:)\S+$/.test(value)) return;
      }
      document.execCommand(button.dataset.command, false, value);
      put();
      show();
    });
  }
  if (field.value !== field.defaultValue) page.innerHTML = clean(field.value); // what was typed before is there again
  document.addEventListener("selectionchange", () => page.contains(document.getSelection().anchorNode) && show());
}

/* A unit that was chosen goes into the lines above. */
for (const adder of document.querySelectorAll("[data-add-to]")) {
  const [input, button, list] = [adder.querySelector("input"), adder.querySelector("button"), document.getElementById(adder.dataset.addTo)];
  adder.hidden = false;
  const add = () => {
    const name = input.value.trim();
    const lines = list.value.split("\n").filter((line) => line.trim());
    if (name && !lines.includes(name)) list.value = [...lines, name].join("\n");
    list.dispatchEvent(new Event("change", { bubbles: true }));
    input.value = "";
    input.focus();
  };
  button.addEventListener("click", add);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    add();
  });
}
