/* Pages made for paper: the button prints, another goes back. */
"use strict";

for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
