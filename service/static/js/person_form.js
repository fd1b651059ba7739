/* The person form: birth date and sex follow from an identity number, and are shown as it is typed; they are asked only for
   documents whose number does not tell them (R18). */
"use strict";

const type = document.getElementById("id_type");
const number = document.getElementById("id_number");
const derived = document.getElementById("derived");
const told = document.getElementById("derived-said");
const words = JSON.parse(told.dataset.words);
const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/* What the number says, or null when it is none (GB 11643; a foreigner's begins with 9, GA 2102). */
function read(text) {
  if (!/^\d{17}[\dX]$/.test(text) || (text[0] === "9") !== (type.value === "foreigner_id")) return null;
  const sum = WEIGHTS.reduce((all, weight, at) => all + weight * Number(text[at]), 0);
  const [year, month, day] = [text.slice(6, 10), text.slice(10, 12), text.slice(12, 14)];
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  const isDay = date.getUTCFullYear() === Number(year) && date.getUTCMonth() === Number(month) - 1 && date.getUTCDate() === Number(day);
  if ("10X98765432"[sum % 11] !== text[17] || !isDay) return null;
  const today = number.form.dataset.today;
  const age = Number(today.slice(0, 4)) - Number(year) - (today.slice(5) < `${month}-${day}` ? 1 : 0);
  return { born: `${year}-${month}-${day}`, sex: Number(text[16]) % 2 ? words.male : words.female, age };
}

function show() {
  const text = number.value.normalize("NFKC").replace(/[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff'-]/g, "").toUpperCase();
  const tells = type.value === "resident_id" || (type.value === "foreigner_id" && !/^[A-Z]/.test(text));
  derived.hidden = tells;
  told.hidden = !tells || !text;
  if (told.hidden) return;
  const found = read(text);
  const output = told.querySelector("output");
  output.classList.toggle("late", !found && text.length >= 18);
  if (found) output.textContent = [`${words.born} ${found.born}`, found.sex, words.age.replace("{}", found.age)].join(words.comma);
  else output.textContent = text.length < 18 ? words.short.replace("{}", 18 - text.length) : words.wrong;
}
type.addEventListener("change", show);
number.addEventListener("input", show);
number.form.addEventListener("kept", show);
show();
