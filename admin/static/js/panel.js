/* What every page of the panel needs: the theme's switch, and a menu that stays open where there is room. */
const root = document.documentElement;
const side = document.getElementById("side");
const wide = matchMedia("(min-width: 960px)");

function keepMenu() {
  if (side) side.open = wide.matches;
}
wide.addEventListener("change", keepMenu);
keepMenu();

for (const button of document.querySelectorAll("[data-theme-switch]")) {
  button.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `keystall_theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${secure}`;
  });
}

/* A menu behind a summary closes by Escape and by a click beside it. */
const folded = () => document.querySelectorAll(wide.matches ? "details.who[open]" : "details.who[open], details.side[open]");
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") folded().forEach((one) => { one.open = false; one.querySelector("summary").focus(); });
});
document.addEventListener("click", (event) => folded().forEach((one) => { if (!one.contains(event.target)) one.open = false; }));

/* A second press while the first is under way sends nothing: its no would be shown in place of the first one's yes,
   which may hold a password or a key that is shown once. */
document.addEventListener("submit", (event) => {
  const { dataset } = event.target;
  if (event.defaultPrevented) return;
  if (dataset.sent) {
    event.preventDefault();
    return;
  }
  dataset.sent = "yes";
  setTimeout(() => delete dataset.sent, 2000); // where a file comes the page stays
});
