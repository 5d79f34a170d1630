/* What every page needs: its texts, the theme and language switches, copying, small elements. */
const texts = JSON.parse(document.getElementById("texts")?.textContent || "{}");

/** The sentence in the language of the page; {name} is filled from params. */
export function t(msgid, params = {}) {
  return (texts[msgid] || msgid).replace(/\{(\w+)\}/g, (whole, name) => (name in params ? String(params[name]) : whole));
}

/** An element with attributes and children; text is always set as text, never as markup. */
export function el(tag, attributes = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(" ");
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") node.addEventListener("click", value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function icon(name, classes = "icon") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", classes);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Puts the exact text on the clipboard; without the clipboard API (plain http) through a hidden field. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = el("textarea", { readonly: true, "aria-hidden": "true", tabindex: "-1", class: "quiet-only" });
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

/** A button that copies and says so, by sight and to a screen reader; `what` where the word alone does not tell. */
export function copyButton(text, what, classes = "copy", word = t("Copy")) {
  const label = el("span", {}, word);
  const button = el(`button.${classes.replaceAll(" ", ".")}`, { type: "button", "aria-label": what && t("Copy {what}", { what }) }, icon("copy"), label);
  let timer = 0;
  button.addEventListener("click", async () => {
    const copied = await copyText(text);
    label.textContent = copied ? t("Copied") : t("Select it by hand");
    button.classList.toggle("done", copied);
    button.querySelector("use").setAttribute("href", copied ? "#i-check" : "#i-copy");
    announce(copied ? t("Copied") : t("Select it by hand"));
    clearTimeout(timer);
    timer = setTimeout(() => {
      label.textContent = word;
      button.classList.remove("done");
      button.querySelector("use").setAttribute("href", "#i-copy");
    }, 1800);
  });
  return button;
}

let speaker = null;
/** Says a short sentence to screen readers only. */
export function announce(sentence) {
  speaker ||= document.body.appendChild(el("p", { class: "quiet-only", role: "status" }));
  speaker.textContent = "";
  requestAnimationFrame(() => (speaker.textContent = sentence));
}

function remember(name, value) {
  document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax${location.protocol === "https:" ? "; secure" : ""}`;
}

export function setUpSwitches() {
  const root = document.documentElement;
  document.getElementById("theme")?.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember("keystall_theme", root.dataset.theme);
    const bar = getComputedStyle(root).getPropertyValue("--surface").trim();
    document.querySelector("meta[name=theme-color]").content = bar;
    document.querySelector("meta[name=color-scheme]").content = root.dataset.theme;
  });
}
