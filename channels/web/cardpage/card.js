/* The card page: takes the key from the address, opens on a press, keeps nothing. Only text is ever inserted. */
(() => {
  "use strict";
  const WORDS = JSON.parse(document.getElementById("words").textContent);
  const LINK = location.pathname.split("/").pop();
  const KEPT = `keystall ${LINK}`;
  const TRIES = 6;
  const SIGNS = {
    key: ["M2.586 17.414A2 2 0 0 0 2 18.828V21a1 1 0 0 0 1 1h3a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h1a1 1 0 0 0 1-1v-1a1 1 0 0 1 1-1h.172a2 2 0 0 0 1.414-.586l.814-.814a6.5 6.5 0 1 0-4-4z", "M16.5 7.5h.01"],
    ticket: ["M2 9a3 3 0 0 1 0 6v2a2 2 0 0 0 2 2h16a2 2 0 0 0 2-2v-2a3 3 0 0 1 0-6V7a2 2 0 0 0-2-2H4a2 2 0 0 0-2 2Z", "M13 5v2", "M13 17v2", "M13 11v2"],
    clock: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20", "M12 6v6l4 2"],
    shield: ["M20 13c0 5-3.5 7.5-7.66 8.95a1 1 0 0 1-.67-.01C7.5 20.5 4 18 4 13V6a1 1 0 0 1 1-1c2 0 4.5-1.2 6.24-2.72a1.17 1.17 0 0 1 1.52 0C14.51 3.81 17 5 19 5a1 1 0 0 1 1 1z", "m9 12 2 2 4-4"],
    lock: ["M7 11V7a5 5 0 0 1 10 0v4", "M5 11h14a2 2 0 0 1 2 2v7a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2v-7a2 2 0 0 1 2-2"],
    search: ["M11 3a8 8 0 1 0 0 16 8 8 0 0 0 0-16", "m21 21-4.34-4.34"],
    copy: ["M10 8h10a2 2 0 0 1 2 2v10a2 2 0 0 1-2 2H10a2 2 0 0 1-2-2V10a2 2 0 0 1 2-2", "M4 16c-1.1 0-2-.9-2-2V4c0-1.1.9-2 2-2h10c1.1 0 2 .9 2 2"],
    check: ["M20 6 9 17l-5-5"],
    info: ["M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20", "M12 16v-4", "M12 8h.01"],
    turn: ["M21 12a9 9 0 1 1-6.219-8.56"],
  };

  const inWeChat = /MicroMessenger/.test(navigator.userAgent);
  let locale = (navigator.languages || [navigator.language || ""]).some((one) => /^zh/i.test(one)) || inWeChat ? "zh-CN" : "en";
  let draw = () => {};
  let speaker = null;

  const t = (msgid, params = {}) =>
    (WORDS[locale]?.[msgid] || msgid).replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));

  function el(tag, attributes = {}, ...children) {
    const [name, ...classes] = tag.split(".");
    const node = document.createElement(name);
    if (classes.length) node.className = classes.join(" ");
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "onclick") node.addEventListener("click", value);
      else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined));
    return node;
  }

  function sign(name) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    for (const shape of SIGNS[name]) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", shape);
      svg.append(path);
    }
    return svg;
  }

  /* ---- the key ---- */

  /** The key in the address; inside WeChat, where an address is shared by a tap, it is kept for this tab instead. */
  function takeKey() {
    const written = location.hash.slice(1);
    if (!inWeChat) return written;
    try {
      if (written) sessionStorage.setItem(KEPT, written);
      history.replaceState(null, "", location.pathname);
      return written || sessionStorage.getItem(KEPT) || "";
    } catch {
      return written;
    }
  }

  function bytesOf(text) {
    if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return null;
    return Uint8Array.from(atob(`${text.replaceAll("-", "+").replaceAll("_", "/")}=`), (one) => one.charCodeAt(0));
  }

  const utf8 = (text) => new TextEncoder().encode(text);
  const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
  const fromBase64 = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
  const uuidBytes = (text) => Uint8Array.from(text.replaceAll("-", "").match(/../g), (pair) => parseInt(pair, 16));

  function framed(...parts) {
    const joined = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
    let at = 0;
    for (const part of parts) {
      new DataView(joined.buffer).setUint32(at, part.length);
      joined.set(part, at + 4);
      at += 4 + part.length;
    }
    return joined;
  }

  async function derived(key, purpose) {
    const stem = await crypto.subtle.importKey("raw", key, "HKDF", false, ["deriveBits"]);
    const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: utf8(purpose) };
    return new Uint8Array(await crypto.subtle.deriveBits(hkdf, stem, 256));
  }

  async function opened(key, sealed, press) {
    const aes = await crypto.subtle.importKey("raw", await derived(key, "keystall card page"), "AES-GCM", false, ["decrypt"]);
    const additionalData = framed(utf8("keystall card page"), uuidBytes(LINK), uuidBytes(press));
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.slice(0, 12), additionalData }, aes, sealed.slice(12));
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(plain)).cards;
  }

  /* ---- the question ---- */

  /** One press: asked again with the same number while no answer comes, which counts once. Null: none came. */
  async function ask(proof, press) {
    for (let failures = 0; failures < TRIES; failures += 1) {
      if (failures) await new Promise((done) => setTimeout(done, Math.min(8000, 400 * 2 ** failures)));
      try {
        const response = await fetch(`/k/${LINK}`, {
          method: "POST", body: JSON.stringify({ press, proof }), cache: "no-store", redirect: "error", credentials: "omit",
          headers: { "Content-Type": "application/json" },
        });
        if (response.ok || response.status === 404) return await response.json();
      } catch { /* the network: asked again */ }
    }
    return null;
  }

  /* ---- what is shown ---- */

  function announce(sentence) {
    speaker.textContent = "";
    requestAnimationFrame(() => (speaker.textContent = sentence));
  }

  function show(make) {
    draw = make;
    document.documentElement.lang = locale;
    const page = document.getElementById("page");
    speaker ||= document.body.appendChild(el("p.quiet-only", { role: "status" }));
    const other = locale === "en" ? ["中文", "zh-CN"] : ["English", "en"];
    const language = el("button", { type: "button", lang: other[1], onclick: () => { locale = other[1]; show(draw); document.getElementById("language").focus(); }, id: "language" }, other[0]);
    const { shop = "", nodes } = make();
    page.replaceWith(el("div", { id: "page" }, el("header", {}, el("span.mark", {}, sign("ticket")), el("strong", {}, shop || t("Your cards")), language), el("main", {}, ...nodes)));
    document.title = shop ? `${t("Your cards")} · ${shop}` : t("Your cards");
  }

  const facts = () => el("ul.facts", {},
    el("li", {}, sign("shield"), el("span", {}, t("The cards are opened on this device only. Nobody on the way can read them."))),
    el("li", {}, sign("clock"), el("span", {}, t("The link works for 24 hours and opens the cards 5 times."))));

  function lead(name, title, ...more) {
    return el("div.lead", {}, el("span.seal", {}, sign(name)), el("h1", { tabindex: "-1" }, title), ...more);
  }

  function notice(name, title, text) {
    show(() => ({ nodes: [el("section.sheet.warn", {}, lead(name, t(title), el("p", {}, t(text)), el("p.word", {}, t("cards"))))] }));
    document.querySelector("h1").focus();
    announce(`${t(title)}. ${t(text)}`);
  }

  const isOver = () => notice("clock", mark("This link is over"), mark("It has opened its cards as often as it could, or its 24 hours are past. Your cards are safe: send this word in the chat where you bought."));
  const isBroken = () => notice("search", mark("Part of the link is missing"), mark("Some apps cut links. Nothing was opened. Send this word in the chat where you bought, and you get a fresh link."));
  const isPlain = () => notice("lock", mark("Please open this page over https"), mark("This browser can open cards only over a protected connection. Or send this word in the chat where you bought."));
  const isForeign = () => notice("info", mark("The cards could not be opened here"), mark("Nothing is lost. Send this word in the chat where you bought, and you get a fresh link."));

  function ready(key) {
    show(() => {
      const said = el("p.said", { id: "said" });
      const button = el("button.go", { type: "button", id: "show" }, sign("key"), el("span", {}, t("Show the cards")));
      button.addEventListener("click", () => press(key, button, said));
      const text = t("They open when you press. Do it where nobody looks over your shoulder.");
      return { nodes: [el("section.sheet", {}, lead("key", t("Your cards are ready"), el("p", {}, text), button, said), facts())] };
    });
  }

  async function press(key, button, said) {
    if (button.disabled) return;
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    button.replaceChildren(sign("turn"), el("span", {}, t("Opening your cards…")));
    announce(t("Opening your cards…"));
    const number = crypto.randomUUID();
    try {
      const answer = await ask(base64(await derived(key, "keystall card press")), number);
      if (answer?.sealed) return arrived(answer, await opened(key, fromBase64(answer.sealed), number));
      if (answer?.gone) return isOver();
    } catch {
      return isForeign();
    }
    button.disabled = false;
    button.removeAttribute("aria-busy");
    button.replaceChildren(sign("key"), el("span", {}, t("Show the cards")));
    said.textContent = t("The shop does not answer. Your cards are safe: press again in a moment.");
    announce(said.textContent);
  }

  async function copyText(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const field = el("textarea.quiet-only", { readonly: true, "aria-hidden": "true", tabindex: "-1" });
      field.value = text;
      const before = document.activeElement;
      document.body.append(field);
      field.select();
      const copied = document.execCommand("copy");
      field.remove();
      before?.focus();
      return copied;
    }
  }

  function copyButton(text, what, word = t("Copy")) {
    const label = el("span", {}, word);
    const button = el("button.copy", { type: "button", "aria-label": what ? t("Copy {what}", { what }) : null }, sign("copy"), label);
    let timer = 0;
    button.addEventListener("click", async () => {
      const copied = await copyText(text);
      label.textContent = copied ? t("Copied") : t("Select it by hand");
      button.classList.toggle("done", copied);
      button.firstChild.replaceWith(sign(copied ? "check" : "copy"));
      announce(label.textContent);
      clearTimeout(timer);
      timer = setTimeout(() => {
        label.textContent = word;
        button.classList.remove("done");
        button.firstChild.replaceWith(sign("copy"));
      }, 1800);
    });
    return button;
  }

  function field(label, value, less, what) {
    const shown = el("div", {}, label ? el("small", {}, label) : null, el("code", { dir: "ltr", translate: "no" }, value));
    return el(`div.field${less ? ".less" : ""}`, {}, shown, copyButton(value, what));
  }

  function day(iso) {
    const [year, month, date] = iso.split("-").map(Number);
    return new Intl.DateTimeFormat(locale, { dateStyle: "long", timeZone: "UTC" }).format(Date.UTC(year, month - 1, date));
  }

  function card(one, place, count) {
    const of = (label) => (count > 1 ? `${label} ${place}` : label);
    const many = one.number || one.pin;
    return el("li.key", {},
      count > 1 ? el("p.no", {}, t("Card {place} of {count}", { place, count })) : null,
      one.number ? field(t("Card number"), one.number, true, of(t("Card number"))) : null,
      field(many ? t("Card key") : "", one.secret, false, of(many ? t("Card key") : t("card"))),
      one.pin ? field(t("PIN"), one.pin, true, of(t("PIN"))) : null,
      /^https:\/\/\S+$/.test(one.secret.trim()) ? el("a.chip", { href: one.secret.trim(), rel: "noreferrer noopener", target: "_blank" }, t("Open the link")) : null,
      one.expires ? el("p.until", {}, t("Valid until {day}", { day: day(one.expires) })) : null);
  }

  const line = (one) => [one.number, one.secret, one.pin].filter(Boolean).join("\t");

  function save(cards, order) {
    const file = new Blob([cards.map((one) => `${line(one)}\n`).join("")], { type: "text/plain;charset=utf-8" });
    const address = URL.createObjectURL(file);
    el("a", { href: address, download: `cards-${order}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }

  function arrived(answer, cards) {
    if (WORDS[answer.locale] || answer.locale === "en") locale = answer.locale;
    const until = new Date(answer.until);
    show(() => {
      const when = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" }).format(until);
      const left = answer.left ? t("Openings left: {count}. The link works until {time}.", { count: answer.left, time: when }) : t("This link does not open again. Copy what you need, or send “cards” in the chat later.");
      const foot = cards.length > 1 ? el("div.foot", {},
        inWeChat ? null : el("button.copy", { type: "button", onclick: () => save(cards, answer.order) }, t("Save as a file")),
        copyButton(cards.map(line).join("\n"), null, t("Copy all"))) : null;
      return {
        shop: answer.shop,
        nodes: [
          el("section.sheet", {},
            el("div.top", {}, el("span.seal", {}, sign("ticket")), el("div", {}, el("h1", { tabindex: "-1" }, `${answer.goods} × ${cards.length}`), el("p", {}, t("Order number ends in {end}", { end: answer.order })))),
            el("ol.keys", {}, cards.map((one, at) => card(one, at + 1, cards.length))), foot),
          el("p.note", {}, sign("info"), el("span", {}, t("Keep them to yourself: whoever has a card can use it."))),
          answer.redeem ? el("section.sheet.how", {}, el("h2", {}, t("How to use")), el("p", {}, answer.redeem)) : null,
          el("p.left", {}, left),
        ].filter(Boolean),
      };
    });
    document.querySelector("h1").focus();
    announce(t("Your cards are here."));
  }

  /** Marks a sentence that is looked up when it is shown. */
  function mark(msgid) { return msgid; }

  const key = bytesOf(takeKey());
  addEventListener("hashchange", () => location.reload());
  if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) isPlain();
  else if (key) ready(key);
  else isBroken();
})();
