/* The conversation on the page: what the shopper says, what the shop answers, and what arrives by itself. */
import { announce, el, setUpSwitches, t } from "./page.js";
import { drawScreen } from "./screens.js";
import { Transcript } from "./transcript.js";
import { newId, Refused, Wire } from "./wire.js";

const $ = (id) => document.getElementById(id);
const { merchant, locale, known } = $("shop").dataset;
const [log, scroller, say, send] = [$("log"), $("log-scroll"), $("say"), $("send")];
const transcript = new Transcript(merchant);
const pushed = new Map();
let spokenAt = 0;

const STATES = { live: t("Online"), waiting: t("Connecting…"), offline: t("Offline"), ready: t("Ready when you are") };
const wire = new Wire(merchant, locale, {
  onScreen: arrive,
  onState(state) {
    $("state").dataset.state = state;
    $("state-text").textContent = STATES[state];
    $("offline").hidden = state !== "offline";
  },
  onSession(session) {
    if (!transcript.belongTo(session)) return;
    log.querySelectorAll(":scope > :not(.pending)").forEach((turn) => turn.remove());
    pushed.clear();
    wire.forget();
  },
});

/* The view follows what is said until somebody scrolls away by hand. */
let [following, byHand] = [true, false];
const atEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
function toEnd(smooth = true) {
  [following, byHand] = [true, false];
  $("more").hidden = true;
  const calm = !smooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
  scroller.scrollTo({ top: scroller.scrollHeight, behavior: calm ? "instant" : "smooth" });
}

/** What is taller than the view is shown from its beginning. */
function show(turn, smooth) {
  if (turn.offsetHeight < scroller.clientHeight) return toEnd(smooth);
  scroller.scrollTo({ top: turn.offsetTop - 12, behavior: "instant" });
}

function setUpScrolling() {
  for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    scroller.addEventListener(kind, () => (byHand = true), { passive: true });
  }
  scroller.addEventListener("scroll", () => {
    if (byHand) following = atEnd();
    if (atEnd()) $("more").hidden = true;
  }, { passive: true });
  $("more").addEventListener("click", () => toEnd());
  new ResizeObserver(() => following && scroller.scrollTo({ top: scroller.scrollHeight, behavior: "instant" })).observe(scroller);
}

/** A time between messages when some minutes have passed. */
function stamp(at) {
  if (at - spokenAt > 10 * 60000) {
    const day = new Date(at).toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
    log.append(el("div.when", {}, el("time", { datetime: new Date(at).toISOString() }, new Date(at).toLocaleString(locale, { ...day, hour: "2-digit", minute: "2-digit" }))));
  }
  spokenAt = at;
}

function drawMine(text, at, still) {
  stamp(at);
  const turn = el(`div.turn.you${still ? ".still" : ""}`, {}, el("span.quiet-only", {}, t("You:")), el("div.bubble", {}, text));
  log.append(turn);
  return turn;
}

function drawShops(screen, at, still) {
  stamp(at);
  const turn = el(`div.turn${still ? ".still" : ""}`, { tabindex: "-1" }, el("span.quiet-only", {}, t("Shop:")), ...drawScreen(screen, act));
  log.append(turn);
  return turn;
}

/** A screen that came by itself: appended, or filled in where a reload left its place. */
function arrive(screen, cursor) {
  const place = pushed.get(cursor);
  if (place) {
    if (screen.kind === "cards") place.replaceChildren(place.firstChild, ...drawScreen(screen, act));
    if (following) toEnd(false);
    return;
  }
  const turn = drawShops(screen, Date.now());
  pushed.set(cursor, turn);
  if (!transcript.heard(cursor)) transcript.add({ by: "shop", screen, cursor, at: Date.now() });
  if (following) show(turn, performance.now() > 3000); else $("more").hidden = false;
}

function act(option, event) {
  const frame = event.currentTarget.closest(".card");
  if (frame?.matches(".confirm")) {
    frame.classList.add("used");
    frame.querySelectorAll("button").forEach((button) => (button.disabled = true));
    event.currentTarget.classList.add("chosen");
  }
  speak({ action: option.action }, option.label, event.detail === 0);
}

function problemScreen(problem) {
  const refused = problem instanceof Refused;
  const text = refused ? problem.message : t("The shop cannot be reached. Nothing was ordered or charged by this message.");
  return { kind: "error", text, error_id: problem.problem?.error_id, options: [] };
}

/** Says something and shows the answer. `keyboard`: the focus then goes to the answer. */
async function speak(content, shown, keyboard = false, id = newId()) {
  const at = Date.now();
  const mine = drawMine(shown, at);
  mine.classList.add("pending");
  const waiting = el("div.turn", { "aria-hidden": "true" }, el("div.skeleton", {}, el("i"), el("i"), el("i")));
  const timer = setTimeout(() => { log.append(waiting); toEnd(); }, 180);
  toEnd();
  transcript.add({ by: "you", text: shown, at });
  const fate = el("span.fate", { role: "status" });
  try {
    const screens = await wire.send({ id, ...content }, () => {
      fate.textContent = t("Waiting for the network, trying again…");
      if (!fate.isConnected) mine.append(fate);
    });
    answer(screens, keyboard, fate);
  } catch (problem) {
    fate.remove();
    if (problem instanceof Refused && problem.status < 500) drawShops(problemScreen(problem), Date.now());
    else offerAgain(mine, fate, () => { mine.remove(); speak(content, shown, keyboard, id); });
    announce(problemScreen(problem).text);
  } finally {
    clearTimeout(timer);
    waiting.remove();
    mine.classList.remove("pending");
    if (following) toEnd();
  }
}

function answer(screens, keyboard, fate) {
  fate.remove();
  let first = null;
  for (const screen of screens) {
    const turn = drawShops(screen, Date.now());
    first ||= turn;
    transcript.add({ by: "shop", screen, at: Date.now() });
    if (screen.kind === "input") say.focus();
  }
  if (keyboard && first && document.activeElement !== say) first.focus({ preventScroll: true });
}

function offerAgain(mine, fate, again) {
  fate.className = "fate bad";
  fate.replaceChildren(t("Not sent."), el("button", { type: "button", onclick: again }, t("Send again")));
  mine.append(fate);
}

function setUpComposer() {
  const fit = () => {
    say.style.blockSize = "38px";
    say.style.blockSize = `${Math.min(140, say.scrollHeight)}px`;
    send.disabled = say.value.trim() === "";
  };
  say.addEventListener("input", fit);
  say.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      $("composer").requestSubmit();
    }
  });
  $("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = say.value.trim();
    if (!text) return;
    say.value = "";
    fit();
    speak({ text }, text);
  });
  document.querySelectorAll("[data-say]").forEach((button) => {
    button.disabled = false;
    button.addEventListener("click", (event) => {
      if (!button.dataset.fill) return speak({ text: button.dataset.say }, button.dataset.say, event.detail === 0);
      say.value = button.dataset.say;
      fit();
      say.focus();
    });
  });
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement?.tagName || "")) { event.preventDefault(); say.focus(); }
  });
  if (matchMedia("(pointer: fine)").matches) say.focus({ preventScroll: true });
}

function restore() {
  for (const entry of transcript.entries) {
    if (entry.by === "you") drawMine(entry.text, entry.at, true);
    else {
      const turn = drawShops(entry.screen, entry.at, true);
      if (entry.cursor) pushed.set(entry.cursor, turn);
    }
  }
  if (transcript.entries.length) toEnd(false);
  wire.cursor = transcript.resumeFrom();
  if (known || transcript.session) {
    wire.show("waiting");
    wire.session().then(() => wire.listen()).catch(() => wire.show("ready"));
  }
}

document.fonts?.load("500 16px \"JetBrains Mono\"");
setUpSwitches();
setUpComposer();
setUpScrolling();
restore();
if (navigator.onLine === false) wire.show("offline");
