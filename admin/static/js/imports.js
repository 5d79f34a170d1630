/* Drops a file into its field, sends it as soon as it is chosen, and shows how much of it has gone; the button is for
   those without this, and for another try. */
const form = document.querySelector("[data-bring]");
const field = form.querySelector("input[type=file]");
const drop = form.querySelector(".drop");
const called = form.querySelector("[data-name]");
const sending = form.querySelector("[data-sending]");
const wrong = form.querySelector("[data-wrong]");
const button = form.querySelector("button");
const most = Number(form.dataset.most);
button.hidden = true;
form.querySelector("[data-at-once]").hidden = false;

function say(text) {
  wrong.textContent = text;
  wrong.hidden = !text;
}

function show() {
  const file = field.files[0];
  if (file) called.textContent = file.name;
  const fits = !file || file.size <= most;
  say(fits ? "" : form.dataset.tooLarge);
  button.disabled = !fits;
  if (file && fits) form.requestSubmit(button);
}
field.addEventListener("change", show);

for (const name of ["dragenter", "dragover"]) {
  drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("is-over"); });
}
for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("is-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  if (!event.dataTransfer.files.length) return;
  field.files = event.dataTransfer.files;
  show();
});

form.addEventListener("submit", (event) => {
  if (!field.files.length) return;
  event.preventDefault();
  if (!sending.hidden) return;
  const request = new XMLHttpRequest();
  const [bar, says] = [sending.querySelector("progress"), sending.querySelector(".bar-says")];
  const again = () => { sending.hidden = true; button.hidden = button.disabled = false; say(form.dataset.broken); };
  request.open("POST", form.action);
  request.upload.addEventListener("progress", (sent) => {
    const percent = Math.floor((100 * sent.loaded) / sent.total);
    bar.value = percent;
    says.textContent = `${percent}%`;
  });
  request.addEventListener("error", again);
  request.addEventListener("load", () => {
    if (request.status < 400) { location.assign(request.responseURL); return; }
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    const said = answer.querySelector("main > .notice.bad span, .gate-says");
    again();
    if (said) say(said.textContent);
  });
  sending.hidden = false;
  button.disabled = true;
  say("");
  request.send(new FormData(form));
});
