// One person's chat: drawn anew at each change; every word that others wrote goes in as text, never as markup.
"use strict";

const at = (id) => document.getElementById(id);
const chosen = { bot: "", user: "" };
let version = -1;
let drawn = "";
let asking = null;

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
  else if (said.alert && said.toast) announce(said.toast);
  else if (said.toast) toast(said.toast);
  return said;
}

let fading = 0;
function toast(text) {
  at("toast").textContent = text;
  at("toast").hidden = false;
  clearTimeout(fading);
  fading = setTimeout(() => { at("toast").hidden = true; }, 3500);
}

function announce(text) {
  at("alert").querySelector("p").textContent = text;
  at("alert").showModal();
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    announce(text);
  }
}

const TAGS = { bold: "b", italic: "i", underline: "u", strikethrough: "s", code: "code", pre: "pre", blockquote: "blockquote", expandable_blockquote: "blockquote", text_link: "a", spoiler: "span" };

// Offsets count UTF-16 units, as strings of this language do.
function written(text, entities, start = 0, end = text.length) {
  const whole = document.createDocumentFragment();
  let place = start;
  const inside = entities.filter((each) => each.offset >= start && each.offset + each.length <= end);
  inside.sort((one, other) => one.offset - other.offset || other.length - one.length);
  for (const [number, entity] of inside.entries()) {
    if (entity.offset < place) continue;
    whole.append(text.slice(place, entity.offset));
    place = entity.offset + entity.length;
    const element = made(TAGS[entity.type] || "span", entity.type === "spoiler" ? "spoiler" : "");
    element.append(written(text, inside.slice(number + 1), entity.offset, place));
    if (entity.type === "text_link" && /^(https?|tg):/.test(entity.url)) {
      element.href = entity.url;
      element.rel = "noreferrer";
      element.target = "_blank";
    }
    if (entity.type === "code" || entity.type === "pre") element.addEventListener("click", () => copy(element.textContent));
    if (entity.type === "spoiler") element.addEventListener("click", () => element.classList.toggle("open"));
    if (entity.type === "bot_command") element.style.color = "var(--accent)";
    whole.append(element);
  }
  whole.append(text.slice(place, end));
  return whole;
}

function button(message, given) {
  if (given.url) {
    const link = made("a", given.style || "", `${given.label} ↗`);
    link.href = /^(https?|tg):/.test(given.url) ? given.url : `http://${given.url}`;
    link.target = "_blank";
    link.rel = "noreferrer";
    return link;
  }
  const element = made("button", given.style || "", given.label);
  element.type = "button";
  element.addEventListener("click", async () => {
    if (given.copies) return copy(given.copies);
    element.setAttribute("aria-busy", "true");
    const said = await act(given.pays ? { do: "pay", message: message.id } : { do: "tap", message: message.id, data: given.data });
    element.removeAttribute("aria-busy");
    if (said.url) window.open(said.url, "_blank", "noreferrer");
  });
  return element;
}

function event(message) {
  if (message.paid) return `You paid ★ ${message.paid.total_amount}`;
  if (message.refunded) return `★ ${message.refunded.total_amount} came back`;
  return null;
}

function messageElement(message) {
  const happened = event(message);
  if (happened) return made("li", "event", happened);
  const item = made("li", message.mine ? "message mine" : "message");
  const bubble = made("div", "bubble");
  if (message.picture) {
    const picture = made("img");
    picture.src = message.picture;
    picture.alt = "";
    bubble.append(picture);
  }
  if (message.file) {
    const link = made("a", "file", `↓ ${message.file.name} (${message.file.size} B)`);
    link.href = `person/file/${message.file.id}`;
    link.download = message.file.name;
    bubble.append(link);
  }
  if (message.invoice) bubble.append(made("strong", "", message.invoice.title), `\n${message.invoice.description}`);
  bubble.append(written(message.text, [...message.entities]));
  const when = new Date(message.date * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  bubble.append(made("time", "", (message.edited ? "edited " : "") + when));
  item.append(bubble);
  for (const row of message.rows) {
    const line = made("div", "row");
    line.append(...row.map((each) => button(message, each)));
    item.append(line);
  }
  return item;
}

function choices(select, entries, value) {
  const wanted = JSON.stringify(entries);
  if (select.dataset.drawn !== wanted) {
    select.dataset.drawn = wanted;
    select.replaceChildren(...entries.map(([id, name]) => new Option(name, id)));
  }
  select.value = value;
}

function draw(state) {
  version = state.version;
  choices(at("bot"), state.bots.map((bot) => [bot.id, `${bot.first_name} @${bot.username}`]), state.bot);
  choices(at("user"), state.people.map((each) => [each.id, `${each.first_name} (${each.id})`]), state.user);
  Object.assign(chosen, { bot: state.bot, user: state.user });
  at("stars").textContent = `★ ${state.stars ?? 0}`;
  at("block").textContent = state.blocked ? "Unblock the bot" : "Block the bot";
  at("block").dataset.do = state.blocked ? "unblock" : "block";
  at("menu-box").hidden = !state.commands?.length;
  at("menu").replaceChildren(...(state.commands || []).map((each) => {
    const item = made("li");
    const element = made("button");
    element.append(made("b", "", `/${each.command}`), ` ${each.description}`);
    element.addEventListener("click", () => act({ do: "send", text: `/${each.command}` }));
    item.append(element);
    return item;
  }));
  at("breaches").hidden = !state.violations.length;
  at("breaches").querySelector("ul").replaceChildren(...state.violations.map((each) => made("li", "", each)));
  const messages = JSON.stringify([state.bot, state.user, state.started, state.messages]);
  if (messages === drawn) return;
  drawn = messages;
  const list = at("messages");
  list.replaceChildren(...(state.messages || []).map(messageElement));
  if (!state.started && state.bot) {
    const item = made("li", "message");
    const row = made("div", "row");
    row.append(button({}, { label: "Start", style: "primary" }));
    row.firstChild.addEventListener("click", (event) => { event.stopImmediatePropagation(); act({ do: "start" }); }, true);
    item.append(made("div", "bubble", state.about || "Nothing has been said here yet."), row);
    list.append(item);
  }
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

at("bot").addEventListener("change", () => choose("bot", at("bot").value));
at("user").addEventListener("change", () => choose("user", at("user").value));
at("block").addEventListener("click", () => act({ do: at("block").dataset.do }));
at("new").addEventListener("click", () => at("person").showModal());
at("person").addEventListener("close", async () => {
  if (at("person").returnValue !== "make") return;
  const said = await act({ do: "new", name: at("name").value, language: at("language").value });
  choose("user", said.user);
});
at("file").addEventListener("change", async () => {
  const [file] = at("file").files;
  if (!file) return;
  const address = new URLSearchParams({ ...chosen, name: file.name });
  const answer = await fetch(`person/upload?${address}`, { method: "POST", body: file, headers: { "content-type": file.type || "application/octet-stream" } });
  const said = await answer.json();
  if (said.said) toast(said.said);
  at("file").value = "";
});
function say() {
  const text = at("text").value.trim();
  if (!text) return;
  at("text").value = "";
  act({ do: "send", text });
}
at("form").addEventListener("submit", (event) => { event.preventDefault(); say(); });
at("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); say(); }
});
if (innerWidth <= 760) at("menu-box").open = false;
follow();
