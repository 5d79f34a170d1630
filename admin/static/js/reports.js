/* Draws each chart from the numbers of the table below it; without this script the tables say the same. */
const css = () => getComputedStyle(document.documentElement);
const colours = (kind) => (kind === "group" ? ["--accent", "--accent-line", "--warn", "--line-strong"] : ["--accent", "--line-strong", "--money", "--warn", "--ink-3"]).map((name) => css().getPropertyValue(name).trim());
const drawn = new Map();

function read(figure) {
  const table = document.getElementById(figure.dataset.table);
  const rows = [...table.tBodies[0].rows].filter((row) => row.cells.length > 1);
  const wanted = figure.dataset.drawn.split(",").map(Number);
  const head = table.tHead.rows[0].cells;
  return {
    rows,
    labels: rows.map((row) => row.cells[0].dataset.hint && figure.dataset.chart === "bar" ? row.cells[0].dataset.hint.slice(5) : row.cells[0].textContent.trim()),
    sets: wanted.map((column) => ({
      label: head[column + 1].textContent.trim(),
      data: rows.map((row) => Number(row.cells[column + 1].dataset.y || 0)),
      texts: rows.map((row) => row.cells[column + 1].textContent.trim()),
    })),
  };
}

function draw(figure) {
  const kind = figure.dataset.chart;
  const { rows, labels, sets } = read(figure);
  const most = kind === "rank" ? 10 : rows.length;
  const flat = kind === "rank" || kind === "stack";
  const palette = colours(kind);
  const ink = css().getPropertyValue("--ink-2").trim();
  const line = css().getPropertyValue("--line").trim();
  const wide = (text) => (text.length > 26 ? text.slice(0, 25) + "…" : text);
  figure.hidden = false;
  drawn.get(figure)?.destroy();
  drawn.set(figure, new globalThis.Chart(figure.querySelector("canvas"), {
    type: "bar",
    data: {
      labels: labels.slice(0, most).map(wide),
      datasets: sets.map((set, at) => ({
        label: set.label,
        data: set.data.slice(0, most),
        texts: set.texts,
        backgroundColor: palette[at % palette.length],
        borderRadius: 4,
        maxBarThickness: 34,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      indexAxis: flat ? "y" : "x",
      interaction: { mode: "index", axis: flat ? "y" : "x", intersect: false },
      scales: {
        x: { stacked: kind === "stack", grid: { color: flat ? line : "transparent" }, ticks: { color: ink, maxRotation: 0, autoSkipPadding: 12 } },
        y: { stacked: kind === "stack", grid: { color: flat ? "transparent" : line }, ticks: { color: ink } },
      },
      plugins: {
        legend: { display: sets.length > 1, position: "bottom", labels: { color: ink, boxWidth: 12, boxHeight: 12 } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${item.dataset.texts[item.dataIndex]}` } },
      },
      onClick: (event, hit) => {
        const link = hit.length ? rows[hit[0].index].cells[0].querySelector("a") : null;
        if (link) location.assign(link.href);
      },
      onHover: (event, hit) => {
        event.native.target.style.cursor = hit.length && rows[hit[0].index].cells[0].querySelector("a") ? "pointer" : "default";
      },
    },
  }));
}

const all = () => document.querySelectorAll("figure[data-chart]").forEach(draw);
globalThis.Chart.defaults.font.family = css().getPropertyValue("--sans");
all();
new MutationObserver(all).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", all);
