/* Files that are too large are told at once, before they are sent; how much of a long upload has gone is shown. */
"use strict";

const LONG = 2 * 1024 * 1024; // bytes of a form whose way is worth showing

function watchFile(field) {
  const hint = document.getElementById(`${field.id}-hint`);
  const told = document.createElement("div");
  told.className = "wrong";
  told.setAttribute("role", "alert");
  hint.before(told);
  field.addEventListener("change", () => {
    const large = [...field.files].some((file) => file.size > Number(field.dataset.most));
    field.setCustomValidity(large ? field.dataset.tooLarge : "");
    field.classList.toggle("is-wrong", large);
    told.textContent = large ? field.dataset.tooLarge : "";
  });
}

/* A long form goes by request, so that the part sent can be told; the page that answers takes the place of this one. */
function watchForm(form, note) {
  const words = note.textContent;
  form.addEventListener("submit", (event) => {
    const sent = new FormData(form, event.submitter);
    const size = [...sent.values()].reduce((sum, value) => sum + (value.size || 0), 0);
    if (event.defaultPrevented || size < LONG) return;
    event.preventDefault();
    note.hidden = false;
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.upload.addEventListener("progress", (step) => {
      note.textContent = words.replace("{}", `${Math.floor((100 * step.loaded) / step.total)}%`);
    });
    request.addEventListener("load", () => {
      if (request.status < 400) return location.assign(request.responseURL);
      const answer = new DOMParser().parseFromString(request.responseText, "text/html").querySelector("main");
      document.querySelector("main").replaceWith(answer);
      prepare(answer);
      scrollTo(0, 0);
    });
    request.addEventListener("error", () => {
      delete form.dataset.sent;
      note.textContent = form.dataset.broken;
    });
    request.send(sent);
  });
}

function prepare(scope) {
  for (const field of scope.querySelectorAll("input[type=file][data-most]")) watchFile(field);
  for (const note of scope.querySelectorAll("form [data-sending]")) watchForm(note.closest("form"), note);
}
prepare(document);
