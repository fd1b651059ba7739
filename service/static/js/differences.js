/* Two versions of a diagram beside each other: added, removed, changed and moved elements are marked. */
"use strict";

const section = document.getElementById("drawn-difference");
const marks = JSON.parse(section.dataset.marks);
const LOOKS = { added: "is-added", removed: "is-removed", changed: "is-changed", moved: "is-moved" };
const SHOWN = { old: ["removed", "changed", "moved"], new: ["added", "changed", "moved"] };

async function drawSide(side) {
  const box = document.getElementById(`${side}-diagram`);
  const xml = JSON.parse(document.getElementById(`${side}-xml`).textContent);
  if (!xml) return;
  const diagram = new Diagram(box);
  await diagram.open(xml);
  const touched = [];
  for (const [element, kind] of Object.entries(marks)) {
    if (!SHOWN[side].includes(kind) || !diagram.has(element)) continue;
    diagram.mark(element, LOOKS[kind]);
    touched.push(element);
  }
  diagram.fit(touched);
}

for (const side of ["old", "new"])
  drawSide(side).catch((error) => {
    console.error(error);
    document.getElementById(`${side}-diagram`).textContent = section.dataset.failed;
  });
