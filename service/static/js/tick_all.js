/* The box in a table's head ticks every row of the page; it shows a dash while only some are ticked. */
"use strict";

for (const all of document.querySelectorAll("[data-tick-all]")) {
  const boxes = () => [...all.closest("table").querySelectorAll("tbody input[type=checkbox]")];
  const show = () => {
    const ticked = boxes().filter((box) => box.checked).length;
    all.checked = ticked > 0 && ticked === boxes().length;
    all.indeterminate = ticked > 0 && !all.checked;
  };
  all.addEventListener("change", () => {
    for (const box of boxes()) box.checked = all.checked;
  });
  all.closest("table").addEventListener("change", (event) => event.target !== all && show());
  show();
}
