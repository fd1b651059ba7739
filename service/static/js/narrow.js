/* A list that is all on the page is narrowed while one types: by name, pinyin, initials, end of the number, unit. */
"use strict";

for (const tool of document.querySelectorAll("[data-narrow]")) {
  const field = tool.querySelector("input");
  const lines = [...tool.parentNode.querySelectorAll("tr[data-words]")];
  const bare = (text) => text.normalize("NFKC").toLowerCase();
  const show = () => {
    const word = bare(field.value).replace(/[\s·•‧∙･⋅・.]/g, "");
    let shown = 0;
    for (const line of lines) {
      const words = bare(line.dataset.words);
      const isPinyin = /^[a-z]+$/.test(word) && words.split(/\s+/).some((one) => one.startsWith(word));
      line.hidden = !(isPinyin || words.replace(/[\s·•‧∙･⋅・.]/g, "").includes(word)) && word !== "";
      shown += line.hidden ? 0 : 1;
    }
    tool.querySelector("[data-said]").textContent = word ? `${shown} / ${lines.length}` : "";
  };
  tool.hidden = false;
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => event.key === "Escape" && ((field.value = ""), show()));
}
