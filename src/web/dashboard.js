(() => {
  const main = document.getElementById("main");
  if (!main || !window.EventSource || !window.DOMParser) return;
  let edited = false;
  let late = false;
  let timer = 0;
  const busy = () => {
    const at = document.activeElement;
    return edited || (at && main.contains(at) && at.matches("input, select, textarea"));
  };
  const opened = (from) => new Set([...from.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
  const mark = (at) => {
    if (!at || !main.contains(at) || !at.form) return null;
    const place = [...document.querySelectorAll("main form")].indexOf(at.form);
    return { action: at.form.getAttribute("action"), place, name: at.name, value: at.value };
  };
  const found = (was) => {
    const form = document.querySelectorAll("main form")[was.place];
    if (!form || form.getAttribute("action") !== was.action) return null;
    return [...form.elements].find((one) => one.name === was.name && one.value === was.value);
  };
  const refresh = async () => {
    timer = 0;
    if (document.hidden || busy()) {
      late = true;
      return;
    }
    late = false;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("main");
      if (!fresh || busy()) return;
      const open = opened(main);
      const was = mark(document.activeElement);
      main.replaceChildren(...fresh.childNodes);
      for (const summary of main.querySelectorAll("details > summary")) {
        if (open.has(summary.textContent)) summary.parentElement.open = true;
      }
      const again = was && found(was);
      if (again) again.focus({ preventScroll: true });
      const menu = document.querySelector("nav ul");
      const freshMenu = page.querySelector("nav ul");
      if (menu && freshMenu && !menu.contains(document.activeElement)) menu.replaceChildren(...freshMenu.childNodes);
    } catch {
      late = true;
    }
  };
  const soon = () => {
    if (!timer) timer = setTimeout(refresh, 300);
  };
  main.addEventListener("input", () => {
    edited = true;
  });
  main.addEventListener("focusout", () => {
    if (late) soon();
  });
  document.addEventListener("visibilitychange", () => {
    if (late) soon();
  });
  let first = true;
  const events = new EventSource("/api/v1/events");
  events.addEventListener("changed", () => {
    if (!first) soon();
    first = false;
  });
  addEventListener("pagehide", () => events.close());
})();
