// One follower's chat: drawn anew at each change; every word that others wrote goes in as text, never as markup.
"use strict";

const at = (id) => document.getElementById(id);
const chosen = { account: "", openid: "" };
let version = -1;
let drawn = "";
let asking = null;
let opened = null;

function made(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

async function act(what) {
  const answer = await fetch("person/do", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...chosen, ...what }),
  });
  const said = await answer.json();
  if (said.said) toast(said.said);
  return said;
}

let fading = 0;
function toast(text) {
  at("toast").textContent = text;
  at("toast").hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { at("toast").hidden = true; }, 4000);
}

function page(label, address) {
  const link = made("a", "", label);
  if (/^https?:/.test(address)) {
    link.href = address;
    link.target = "_blank";
    link.rel = "noreferrer";
  }
  return link;
}

function tap(label) {
  const button = made("button", "tap", label);
  button.type = "button";
  button.addEventListener("click", () => act({ do: "tap", label }));
  return button;
}

const LINK = /<a href="([^"]*)">([\s\S]*?)<\/a>/g;

function messageElement(message) {
  if (message.way === "event" || message.way === "broken") return made("li", message.way, message.text);
  const item = made("li", `message ${message.way}`);
  let place = 0;
  let number = 0;
  for (const found of message.text.matchAll(LINK)) {
    item.append(message.text.slice(place, found.index));
    const link = message.links[number++];
    item.append(link.taps ? tap(link.label) : page(link.label, link.address));
    place = found.index + found[0].length;
  }
  item.append(message.text.slice(place));
  if (message.page) item.append("\n", page("查看详情 ›", message.page));
  if (!["said", "tapped", "passive"].includes(message.way)) item.append(made("small", "", message.way));
  return item;
}

function entryButton(entry) {
  const button = made("button", "", entry.name);
  button.type = "button";
  button.addEventListener("click", () => {
    opened = null;
    drawMenu(shownMenu);
    if (entry.type === "view") window.open(entry.url, "_blank", "noreferrer");
    else act({ do: "click", key: entry.key });
  });
  return button;
}

let shownMenu = [];
function drawMenu(buttons) {
  shownMenu = buttons;
  at("menu").hidden = !buttons.length;
  at("menu").replaceChildren(...buttons.map((entry, number) => {
    const place = made("div");
    const below = entry.sub_button || [];
    if (!below.length) {
      place.append(entryButton(entry));
      return place;
    }
    const head = made("button", "", `≡ ${entry.name}`);
    head.type = "button";
    head.setAttribute("aria-expanded", String(opened === number));
    head.addEventListener("click", () => { opened = opened === number ? null : number; drawMenu(shownMenu); });
    place.append(head);
    if (opened === number) {
      const list = made("ul");
      list.append(...below.map((each) => { const item = made("li"); item.append(entryButton(each)); return item; }));
      place.append(list);
    }
    return place;
  }));
}

function choices(select, entries, value) {
  const wanted = JSON.stringify(entries);
  if (select.dataset.drawn !== wanted) {
    select.dataset.drawn = wanted;
    select.replaceChildren(...entries.map((each) => new Option(each.name, each.id)));
  }
  select.value = value;
}

function draw(state) {
  version = state.version;
  choices(at("account"), state.accounts, state.account);
  choices(at("follower"), state.followers || [], state.openid);
  Object.assign(chosen, { account: state.account || "", openid: state.openid || "" });
  at("follow").textContent = state.follows ? "Unfollow" : "Follow";
  at("follow").dataset.do = state.follows ? "unfollow" : "follow";
  at("phone").textContent = state.ios ? "iPhone" : "Android";
  if (document.activeElement !== at("url")) at("url").value = state.callback || "";
  if (!state.callback && !at("server").dataset.seen) { at("server").open = true; at("server").dataset.seen = "yes"; }
  at("templates").replaceChildren(...(state.templates || []).map((name) => {
    const item = made("li", "", "");
    const button = made("button", "", `Agree to one notice ${name}`);
    button.type = "button";
    button.addEventListener("click", () => act({ do: "consent", template: name }));
    item.append(button);
    return item;
  }));
  if (JSON.stringify(state.menu || []) !== JSON.stringify(shownMenu)) drawMenu(state.menu || []);
  at("breaches").hidden = !state.violations.length;
  at("breaches").querySelector("ul").replaceChildren(...state.violations.map((each) => made("li", "", each)));
  const messages = JSON.stringify([state.account, state.openid, state.messages]);
  if (messages === drawn) return;
  drawn = messages;
  const list = at("messages");
  list.replaceChildren(...(state.messages || []).map(messageElement));
  if (!list.children.length) list.append(made("li", "event", "Nothing has been said here yet."));
  list.scrollTop = list.scrollHeight;
}

async function follow() {
  for (;;) {
    asking = new AbortController();
    try {
      const address = new URLSearchParams({ ...chosen, after: version });
      const answer = await fetch(`person/state?${address}`, { signal: asking.signal });
      draw(await answer.json());
    } catch (error) {
      if (error.name !== "AbortError") await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

function choose(which, value) {
  chosen[which] = value;
  version = -1;
  asking?.abort();
}

at("account").addEventListener("change", () => { chosen.openid = ""; choose("account", at("account").value); });
at("follower").addEventListener("change", () => choose("openid", at("follower").value));
at("follow").addEventListener("click", () => act({ do: at("follow").dataset.do }));
at("phone").addEventListener("click", async () => { await act({ do: "phone" }); version = -1; asking?.abort(); });
at("new").addEventListener("click", () => at("person").showModal());
at("person").addEventListener("close", async () => {
  if (at("person").returnValue !== "make") return;
  const said = await act({ do: "new", name: at("name").value, scene: at("scene").value });
  if (said.openid) choose("openid", said.openid);
});
at("address").addEventListener("submit", (event) => {
  event.preventDefault();
  act({ do: "address", url: at("url").value });
});
function say() {
  const text = at("text").value.trim();
  if (!text) return;
  at("text").value = "";
  act({ do: "say", text });
}
at("form").addEventListener("submit", (event) => { event.preventDefault(); say(); });
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); say(); }
});
follow();
