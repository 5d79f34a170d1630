/* The page of a chat's link: cards by a press, opened here and kept nowhere; and which kind of device this is. */
import { announce, t } from "./page.js";
import { drawScreen } from "./screens.js";
import { answerContext, canOpen, fromBase64, makeReader, openSealed, toBase64 } from "./seal.js";
import { setUpTill } from "./till.js";

const till = document.getElementById("till");
const READABLE = new Set(["paid", "part_delivered", "delivered"]);

/** Cards that are on their way arrive without the page being drawn anew: a press, and the page's key, would be lost. */
async function keeps(state) {
  if (!document.getElementById("opening") || !READABLE.has(state)) return false;
  const answer = await fetch(location.href, { cache: "no-store" });
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of ["#bill-state", ".outcome h2", ".outcome p"]) {
    const now = fresh.querySelector(part);
    if (now) document.querySelector(part)?.replaceChildren(...now.childNodes);
  }
  return Boolean(fresh.getElementById("opening"));
}

/** A tablet may call itself a desk; then the page is drawn anew as a tablet's. */
function sayDevice() {
  const isTablet = /Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1;
  if (isTablet && !document.cookie.includes("keystall_device=ios")) {
    document.cookie = `keystall_device=ios; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
    location.replace(location.pathname + location.search);
  }
  if (till.dataset.seen) fetch(till.dataset.seen, { method: "POST", body: JSON.stringify({ ios: isTablet }), keepalive: true }).catch(() => {});
}

function say(text) {
  document.getElementById("opening-text").textContent = text;
  announce(text);
}

async function opened(reader, answer) {
  const deliveries = await Promise.all(answer.cards.map(async (one) => {
    const plain = await openSealed(reader, fromBase64(one.sealed), answerContext(one.delivery, answer.reader));
    return { ...one, cards: JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain)).cards };
  }));
  return deliveries;
}

function show(deliveries) {
  const nodes = deliveries.flatMap(({ name, cards }) => {
    const text = `${name} × ${cards.length}\n${t("Keep them to yourself: whoever has a card can use it.")}`;
    return drawScreen({ kind: "cards", text, cards, options: [] }, () => {});
  });
  document.getElementById("shown").replaceChildren(...nodes);
}

/** Asks until all cards of the order are here; the answer waits until something changes. */
async function fetchCards(url) {
  const reader = await makeReader();
  const body = JSON.stringify({ key: toBase64(reader.point) });
  for (let failures = 0, known = ""; failures < 6;) {
    let answer = null;
    try {
      const response = await fetch(url, { method: "POST", body, cache: "no-store", redirect: "error", headers: { "Content-Type": "application/json", Accept: "application/json" } });
      answer = response.headers.get("content-type")?.startsWith("application/json") ? await response.json() : null;
      if (!response.ok && answer?.trouble) return say(`${answer.trouble} ${answer.error_id}`);
      if ([403, 404].includes(response.status)) return say(t("This page is over. Send “cards” in the chat."));
    } catch { /* the network: asked again below */ }
    if (answer?.cards) {
      failures = 0;
      const here = answer.cards.map((one) => one.sealed).join();
      if (here !== known) show(await opened(reader, answer));
      known = here;
      document.querySelector("#bill-state span").textContent = answer.state_text;
      if (answer.complete) return finish();
      if (answer.delayed) return say(t("It takes a little longer. Nothing is lost: press again in a moment, or send “cards” in the chat."));
    } else failures += 1;
    await new Promise((done) => setTimeout(done, failures ? Math.min(8000, 500 * 2 ** failures) : 250));
  }
  return say(t("The shop does not answer. Your cards are safe: press again in a moment."));
}

function finish() {
  const outcome = document.querySelector(".outcome");
  document.getElementById("opening").hidden = true;
  outcome?.classList.add("small");
  announce(t("Your cards are here."));
}

function setUpCards() {
  const place = document.getElementById("opening");
  if (!place) return;
  const button = document.getElementById("show");
  if (!canOpen()) {
    button.hidden = true;
    say(t("Please open this page over https, or send “cards” in the chat."));
    return;
  }
  button.disabled = false;
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    say(t("Opening your cards…"));
    try {
      await fetchCards(place.dataset.cards);
    } catch {
      say(t("The cards could not be opened here. Send “cards” in the chat."));
    }
    button.disabled = false;
    button.removeAttribute("aria-busy");
  });
}

setUpTill(keeps);
setUpCards();
sayDevice();
