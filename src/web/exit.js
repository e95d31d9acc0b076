(() => {
  const exit = document.getElementById("exit");
  const leave = () => {
    document.body.hidden = true;
    location.replace(exit.href);
  };
  let presses = 0;
  let last = 0;
  exit.addEventListener("click", (event) => {
    event.preventDefault();
    leave();
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "Shift") {
      presses = 0;
      return;
    }
    if (event.repeat) return;
    const now = Date.now();
    presses = now - last < 1500 ? presses + 1 : 1;
    last = now;
    if (presses === 3) leave();
  });
})();
