/* The definitions page: the diagram with the tasks that wait at each element, five steps of heat and the count. */
"use strict";

async function begin(box) {
  const diagram = new Diagram(box);
  await diagram.open(await fetchText(box.dataset.address));
  for (const button of document.querySelectorAll("[data-zoom]")) button.addEventListener("click", () => diagram.zoom(button.dataset.zoom));
  diagram.fit(box.clientWidth < 500 ? Object.keys(JSON.parse(box.dataset.waiting)) : []);
  const heat = JSON.parse(box.dataset.heat);
  for (const [id, count] of Object.entries(JSON.parse(box.dataset.waiting))) {
    diagram.mark(id, `heat-${heat[id]}`);
    diagram.pin(id, "count", String(count), box.dataset.title.replace("{}", count), { bottom: 12, right: 14 });
  }
}

for (const box of document.querySelectorAll("[data-waiting]")) {
  begin(box).catch((error) => {
    console.error(error);
    box.textContent = box.dataset.failed;
  });
}
