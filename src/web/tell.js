(() => {
  const [draft, paper, text, said] = ["draft", "paper", "text", "said"].map((id) => document.getElementById(id));
  const parts = [...draft.querySelectorAll("[data-says]")];
  const fields = [...draft.querySelectorAll("input, textarea")];
  const isTicked = (field) => field.matches("[type=checkbox], [type=radio]");
  const value = (field) => (isTicked(field) ? (field.checked ? field.parentElement.textContent : "") : field.value).trim();
  const compose = () => {
    const of = (part) => fields.filter((field) => part.contains(field)).map(value).filter((one) => one).join(", ");
    const lines = parts.map((part) => [part.dataset.says, of(part)]).filter(([, one]) => one);
    text.textContent = lines.map(([says, one]) => (says.endsWith("?") ? `${says} ${one}` : `${says}: ${one}`)).join("\n");
    said.textContent = "";
  };
  const clear = () => {
    for (const field of fields) {
      if (isTicked(field)) field.checked = field.defaultChecked;
      else field.value = "";
    }
    compose();
  };
  const copy = () => {
    getSelection().selectAllChildren(text);
    said.textContent = document.execCommand("copy") ? said.dataset.copied : said.dataset.select;
  };
  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text.textContent], { type: "text/plain" }));
    link.download = draft.dataset.file;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  };
  draft.addEventListener("input", compose);
  addEventListener("pagehide", clear);
  for (const [id, does] of Object.entries({ copy, save, clear, print: () => print() })) {
    document.getElementById(id).addEventListener("click", does);
  }
  clear();
  draft.hidden = false;
  paper.hidden = true;
})();
