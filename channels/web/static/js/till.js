/* What pages share where something is paid: the time left, what has become of it, a press shown at once. */
import { setUpSwitches } from "./page.js";

const OVER = new Set(["delivered", "refunded", "cancelled"]);

function countDown(till) {
  const [left, bar, clock] = ["left", "left-bar", "clock"].map((id) => document.getElementById(id));
  if (!left) return;
  const skew = Number(till.dataset.now) - Date.now();
  const deadline = Number(till.dataset.deadline);
  const tick = () => {
    const rest = Math.max(0, deadline - Date.now() - skew);
    const seconds = Math.ceil(rest / 1000);
    left.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    bar.value = rest;
    clock.classList.toggle("soon", rest < 60000);
    if (rest > 0) setTimeout(tick, 1000 - (Date.now() % 1000));
  };
  tick();
}

/** Asks the shop; the answer waits until something changes. A change draws the page anew, unless `keeps(state)` has
    shown it already. */
async function follow({ state, live }, keeps) {
  for (let failures = 0; !OVER.has(state);) {
    try {
      const answer = await fetch(`${live}?state=${encodeURIComponent(state)}`, { cache: "no-store", headers: { Accept: "application/json" } });
      if (answer.ok) {
        failures = 0;
        const now = (await answer.json()).state;
        if (now !== state && !(await keeps(now))) return location.replace(location.pathname + location.search);
        state = now;
      } else failures += 1;
    } catch { failures += 1; }
    await new Promise((done) => setTimeout(done, failures ? Math.min(15000, 1000 * 2 ** failures) : 250));
  }
}

export function setUpTill(keeps = () => false) {
  const till = document.getElementById("till");
  setUpSwitches();
  countDown(till);
  document.querySelectorAll("form").forEach((form) => form.addEventListener("submit", (event) => {
    const button = event.submitter || form.querySelector("button");
    button.setAttribute("aria-busy", "true");
  }));
  addEventListener("pageshow", () => document.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy")));
  if (till.dataset.live) follow(till.dataset, keeps);
}
