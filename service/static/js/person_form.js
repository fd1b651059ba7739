/* The person form: birth date and sex are asked only for documents whose number does not tell them (R18). */
"use strict";

const type = document.getElementById("id_type");
const derived = document.getElementById("derived");

function show() {
  derived.hidden = type.value === "resident_id";
}
type.addEventListener("change", show);
show();
