/* Draws one Screen of the shop as a card. Only text is ever inserted, so a name can never become markup. */
import { copyButton, el, icon, t } from "./page.js";

const LONG = 60; // signs of a value that is a sentence: it stands below its label, in its own place
const DECIDES = new Set(["confirm", "pay", "product"]);
const YES = /^(确认|去购买|确定|下单|购买|立即|去支付|支付|付款|confirm|place|buy|pay|yes)/i;
const NO = /^(取消|返回|不|cancel|back|no)/i;
const TOTAL = /^(合计|总计|应付|实付|支付金额|金额|待支付|total|to pay|amount|paid)/i;
const OFF = /^(优惠|折扣|减|券|discount|coupon|off)/i;
const PRICE = /(?:CN|US|HK)?[¥￥$€£]\s?\d[\d,]*(?:\.\d+)?/g;

/** First line, rows "label: value", and what is left, as the shop's texts are written. */
export function partsOf(text, wantsTitle) {
  const lines = (text || "").split("\n");
  const title = wantsTitle ? (lines.shift() || "").trim() : "";
  const rows = [];
  const rest = [];
  for (const line of lines) {
    const row = /^\s*([^:：\n，。；！？,;!?]{1,24})(?:：\s*|:\s+)(\S.*)$/.exec(line);
    if (row && wantsTitle) rows.push([row[1].trim(), row[2].trim()]);
    else rest.push(line);
  }
  return { title, rows, rest: rest.join("\n").trim() };
}

/* The same tint and letter as the server gives a name (render.py). */
const hueOf = (name) => new TextEncoder().encode(name).reduce((sum, byte, place) => sum + (place + 1) * byte, 0) % 8;
const glyphOf = (name) => (/[\p{L}\p{N}]/u.exec(name)?.[0] || "·").toUpperCase();
const tile = (name, big) => el(`span.tile.hue-${hueOf(name)}${big ? ".big" : ""}`, { "aria-hidden": "true" }, glyphOf(name));

function head(title, name) {
  return el("div.card-head", {}, el("span.mark.small", {}, icon(name)), el("h3", {}, title));
}

function body(text) { return text ? el("p.card-body", {}, text) : null; }

function rowList(rows) {
  if (!rows.length) return null;
  const list = el("dl.rows");
  for (const [label, value] of rows) {
    const tone = TOTAL.test(label) ? ".total" : OFF.test(label) ? ".off" : value.length > LONG ? ".long" : /^(价格|Price)$/.test(label) ? ".cost" : "";
    list.append(el(`div${tone}`, {}, el("dt", {}, label), el("dd", {}, value)));
  }
  return list;
}

/** "腾讯视频月卡 · ¥25.00 · 充足" as name, price and what stands under it. */
function goodsLabel(label) {
  const price = [...label.matchAll(PRICE)].at(-1);
  if (!price) return null;
  const around = [label.slice(0, price.index), label.slice(price.index + price[0].length)].map((part) => part.replace(/^[\s·|,，\-—]+|[\s·|,，\-—]+$/g, ""));
  const number = /^(\d{1,2})[.、)\s]\s*/.exec(around[0]);
  return { number: number?.[1], name: number ? around[0].slice(number[0].length) : around[0], price: price[0], under: around[1] };
}

function control(option, onAct, classes, ...children) {
  if (option.url) {
    const outside = new URL(option.url, location.href).origin !== location.origin;
    return el(`a.${classes}`, { href: option.url, rel: "noreferrer", target: outside ? "_blank" : null }, ...children);
  }
  return el(`button.${classes}`, { type: "button", onclick: (event) => onAct(option, event) }, ...children);
}

function goodsRow(option, parts, onAct) {
  const tone = /售罄|sold out/i.test(parts.under) ? ".none" : /仅剩|only/i.test(parts.under) ? ".low" : "";
  const what = el("span.what", {}, el("b", {}, parts.name), parts.under ? el(`small${tone}`, {}, parts.under) : null);
  return el("li", {}, control(option, onAct, "row", tile(parts.name), what, el("span.price", {}, parts.price), icon("chevron-right", "icon go")));
}

/** Options in the form that fits: goods as rows, one decision as buttons, moves as chips. */
function choices(screen, onAct) {
  const options = screen.options || [];
  const decides = DECIDES.has(screen.kind) && options.some((option) => YES.test(option.label) || (option.url && screen.kind === "pay"));
  const priced = options.map((option) => goodsLabel(option.label)).filter(Boolean);
  const isOneThing = priced.length > 1 && priced.every((goods) => goods.name === priced[0].name && !goods.under);
  const areGoods = screen.kind !== "pay" && !isOneThing; // several amounts of one thing are chips
  const [rows, buttons, chips] = [[], [], []];
  for (const option of options) {
    const goods = goodsLabel(option.label);
    if (goods?.name && areGoods) rows.push(goodsRow(option, goods, onAct));
    else if (decides && (YES.test(option.label) || option.url)) buttons.unshift(control(option, onAct, "button.primary", ...(option.url ? [icon("credit-card")] : []), option.label));
    else if (decides && NO.test(option.label)) buttons.push(control(option, onAct, "button", option.label));
    else if (screen.kind === "menu" && [...option.label].length > 18) rows.push(el("li", {}, control(option, onAct, "row", el("span.what", {}, el("b", {}, option.label)), icon("chevron-right", "icon go"))));
    else chips.push(control(option, onAct, "chip", option.label));
  }
  return [
    rows.length ? el("ul.list", {}, ...rows) : null,
    chips.length ? el("div.chips", {}, ...chips) : null,
    buttons.length ? el("div.decide", {}, ...buttons.reverse()) : null,
  ];
}

function stub(screen) {
  if (!screen.order) return null;
  return el("p.stub", {}, el("span", {}, t("Order")), el("code", {}, screen.order), copyButton(screen.order, t("order number"), "copy plain"));
}

function field(label, value, less) {
  const shown = el("div", {}, label ? el("small", {}, label) : null, el("code", { dir: "ltr", translate: "no" }, value));
  return el(`div.field${less ? ".less" : ""}`, {}, shown, copyButton(value, label || t("card"), less ? "copy plain" : "copy"));
}

function key(card, place, count) {
  const parts = [];
  if (count > 1) parts.push(el("p.key-no.num", {}, t("Card {place} of {count}", { place, count })));
  if (!card.secret) {
    parts.push(field("", card.mask || "****", true), el("p.key-no", {}, t("It was opened for another session. Send {word} to see it here.", { word: t("cards") })));
    return el("li.key", { "data-token": card.token }, ...parts);
  }
  if (card.number) parts.push(field(t("Card number"), card.number, true));
  parts.push(field(card.number || card.pin ? t("Card key") : "", card.secret));
  if (card.pin) parts.push(field(t("PIN"), card.pin, true));
  if (card.expires) parts.push(el("p.key-no", {}, t("Valid until {day}", { day: card.expires })));
  if (/^https:\/\/\S+$/.test(card.secret.trim())) {
    parts.push(el("p.key-link", {}, el("a.chip", { href: card.secret.trim(), rel: "noreferrer noopener", target: "_blank" }, t("Open the link"))));
  }
  return el("li.key", { "data-token": card.token }, ...parts);
}

const line = (card) => [card.number, card.secret, card.pin].filter(Boolean).join(" ");

function cards(screen, onAct) {
  const [title, ...steps] = (screen.text || "").split("\n");
  const rest = steps.join("\n").trim();
  const list = screen.cards || [];
  const many = list.length > 1;
  return [
    head(title || t("Your cards"), "ticket"),
    body(rest),
    list.length ? el("ol.keys", {}, ...list.map((card, index) => key(card, index + 1, list.length)))
      : el("p.card-body.away", {}, t("The cards are not kept on this device. Send {word} to see them again.", { word: t("cards") })),
    many ? el("div.keys-foot", {}, el("span", {}, t("{count} cards", { count: list.length })), copyButton(list.map(line).join("\n"), null, "copy", t("Copy all"))) : null,
    ...choices(screen, onAct),
    stub(screen),
  ];
}

function error(screen, onAct) {
  const id = screen.error_id ? el("p.stub", {}, el("span", {}, t("Error id")), el("code", {}, screen.error_id), copyButton(screen.error_id, t("Error id"), "copy plain")) : null;
  return [el("p.card-body", {}, icon("triangle-alert"), el("span", {}, screen.text)), ...choices(screen, onAct), id];
}

function product(screen, onAct) {
  const { title, rows, rest } = partsOf(screen.text, true);
  const top = el("div.card-head", {}, screen.media ? null : tile(title, true), el("div", {}, el("h3", {}, title)));
  return [screen.media ? el("img.card-media", { src: screen.media, alt: "", loading: "lazy", width: 520, height: 292 }) : null, top, rowList(rows), body(rest), ...choices(screen, onAct), stub(screen)];
}

const SIGN = { confirm: "shopping-bag", pay: "wallet", receipt: "receipt-text", menu: "store" };

function titled(screen, onAct) {
  const { title, rows, rest } = partsOf(screen.text, true);
  return [head(title, SIGN[screen.kind] || "info"), rowList(rows), body(rest), ...choices(screen, onAct), stub(screen)];
}

/** The card of a screen. `onAct(option, event)` is called when a choice is taken. */
export function drawScreen(screen, onAct) {
  const options = screen.options || [];
  if (screen.kind === "text" || !screen.kind) {
    const chips = options.length ? choices({ ...screen, kind: "menu" }, onAct) : [];
    return [el("div.bubble", {}, screen.text || ""), ...(options.length ? [el("div.chips-frame", {}, ...chips.filter(Boolean))] : [])];
  }
  const draw = { cards, error, product, input: (it, act) => [body(it.text), ...choices(it, act)] }[screen.kind] || titled;
  return [el(`article.card.${screen.kind}`, {}, ...draw(screen, onAct).filter(Boolean))];
}
