/* A photo of any proportions is cut to 25:35 before it is sent: a frame to drag, or three sliders for the keyboard. What is
   sent is made here from the frame; the server checks it like any other photo. Without this script the file is sent as it is. */
"use strict";

const RATIO = 5 / 7;
const MOST = { width: 590, height: 826 }; // pixels that are kept of a photo
const LEAST = { width: 295, height: 413 };
const LEAST_BYTES = 20 * 1024;

const tool = document.querySelector("[data-crop]");
const chosen = document.getElementById("photo");

if (tool && chosen && window.createImageBitmap) {
  const canvas = tool.querySelector("canvas");
  const paper = canvas.getContext("2d");
  const slider = Object.fromEntries([...tool.querySelectorAll("[data-part]")].map((one) => [one.dataset.part, one]));
  const said = tool.querySelector("[data-said]");
  const shown = tool.closest(".portrait").querySelector(".photo");
  let picture = null; // a canvas with the whole picture, upright
  let name = "photo.jpg";
  let frame = { x: 0, y: 0, width: 0, height: 0 }; // in pixels of the picture
  let making = Promise.resolve();

  const largest = () => {
    const width = Math.min(picture.width, picture.height * RATIO);
    return { width, height: width / RATIO };
  };
  const scale = () => Math.min(canvas.width / picture.width, canvas.height / picture.height);

  function copy(source, width, height, turn) {
    const sheet = document.createElement("canvas");
    [sheet.width, sheet.height] = turn ? [height, width] : [width, height];
    const pen = sheet.getContext("2d");
    if (turn) {
      pen.translate(height, 0);
      pen.rotate(Math.PI / 2);
    }
    pen.drawImage(source, 0, 0);
    return sheet;
  }

  function readSliders() {
    const most = largest();
    const part = Math.max(Number(slider.size.value) / 1000, 0.05);
    frame.width = most.width * part;
    frame.height = most.height * part;
    frame.x = (picture.width - frame.width) * (Number(slider.x.value) / 1000);
    frame.y = (picture.height - frame.height) * (Number(slider.y.value) / 1000);
    show();
  }

  function tellSliders() {
    const room = { x: picture.width - frame.width, y: picture.height - frame.height };
    for (const axis of ["x", "y"]) slider[axis].value = room[axis] > 0 ? (1000 * frame[axis]) / room[axis] : 500;
  }

  function show() {
    const by = scale();
    const [left, top] = [(canvas.width - picture.width * by) / 2, (canvas.height - picture.height * by) / 2];
    paper.clearRect(0, 0, canvas.width, canvas.height);
    paper.drawImage(picture, left, top, picture.width * by, picture.height * by);
    paper.fillStyle = "rgba(0, 0, 0, 0.55)";
    paper.beginPath();
    paper.rect(left, top, picture.width * by, picture.height * by);
    paper.rect(left + frame.x * by, top + frame.y * by, frame.width * by, frame.height * by);
    paper.fill("evenodd");
    paper.strokeStyle = "#fff";
    paper.lineWidth = 2;
    paper.strokeRect(left + frame.x * by, top + frame.y * by, frame.width * by, frame.height * by);
    const size = target();
    const isSmall = frame.width < LEAST.width - 1;
    said.textContent = isSmall ? said.dataset.small : said.dataset.good.replace("{}", size.width).replace("{}", size.height);
    said.classList.toggle("late", isSmall);
    making = make();
  }

  const target = () => {
    const width = Math.max(LEAST.width, Math.min(MOST.width, Math.round(frame.width)));
    return { width, height: Math.round(width / RATIO) };
  };

  /* The cut as a file in the field, and as the picture beside it. */
  let latest = 0;
  async function make() {
    const turn = ++latest;
    const size = target();
    const cut = document.createElement("canvas");
    [cut.width, cut.height] = [size.width, size.height];
    const pen = cut.getContext("2d");
    pen.fillStyle = "#fff";
    pen.fillRect(0, 0, size.width, size.height);
    pen.imageSmoothingQuality = "high";
    pen.drawImage(picture, frame.x, frame.y, frame.width, frame.height, 0, 0, size.width, size.height);
    let blob = null;
    for (const [type, quality] of [["image/jpeg", 0.92], ["image/jpeg", 1], ["image/png", 1]]) {
      blob = await new Promise((done) => cut.toBlob(done, type, quality));
      if (blob.size >= LEAST_BYTES) break;
    }
    if (turn !== latest) return;
    const files = new DataTransfer();
    const end = blob.type === "image/png" ? "png" : "jpg";
    files.items.add(new File([blob], name.replace(/\.\w+$/, "") + `.${end}`, { type: blob.type }));
    chosen.files = files.files;
    const image = shown.tagName === "IMG" ? shown : document.createElement("canvas");
    if (image === shown) image.src = cut.toDataURL("image/jpeg", 0.8);
    else {
      shown.replaceChildren(cut);
      shown.classList.remove("none");
    }
  }

  function begin(sheet) {
    picture = sheet;
    canvas.height = Math.min(canvas.width, Math.round((canvas.width * sheet.height) / sheet.width));
    slider.size.value = 1000;
    slider.x.value = slider.y.value = 500;
    tool.hidden = false;
    readSliders();
  }

  chosen.addEventListener("change", async () => {
    const file = chosen.files[0];
    picture = null;
    tool.hidden = true;
    if (!file) return;
    name = file.name;
    try {
      const bitmap = await createImageBitmap(file);
      if (bitmap.width * bitmap.height > 40_000_000) return; // the server says so
      begin(copy(bitmap, bitmap.width, bitmap.height, false));
    } catch {
      tool.hidden = true; // no picture: the server says so
    }
  });

  for (const one of Object.values(slider)) one.addEventListener("input", readSliders);
  tool.querySelector("[data-turn]").addEventListener("click", () => begin(copy(picture, picture.width, picture.height, true)));

  let grip = null;
  canvas.addEventListener("pointerdown", (event) => {
    grip = { x: event.clientX, y: event.clientY, frame: { ...frame } };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const by = scale() * (canvas.clientWidth / canvas.width);
    frame.x = Math.min(Math.max(grip.frame.x + (event.clientX - grip.x) / by, 0), picture.width - frame.width);
    frame.y = Math.min(Math.max(grip.frame.y + (event.clientY - grip.y) / by, 0), picture.height - frame.height);
    tellSliders();
    show();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (grip = null));
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    slider.size.value = Number(slider.size.value) - Math.sign(event.deltaY) * 20;
    readSliders();
  });

  /* Sent while the last cut is still being made: wait for it. */
  chosen.form.addEventListener("submit", (event) => {
    if (!picture || event.defaultPrevented || chosen.form.dataset.cut) return;
    event.preventDefault();
    event.stopPropagation();
    const { submitter } = event;
    const send = () => {
      chosen.form.dataset.cut = "1";
      chosen.form.requestSubmit(submitter);
      delete chosen.form.dataset.cut;
    };
    making.then(() => setTimeout(send)); // not within this event: a form sends nothing while it is being sent
  });
}
