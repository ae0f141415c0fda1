"use strict";
// Draws a search from the JSON of the page: front, parallel coordinates, learning curves, the table and its filters.
(() => {
  const data = JSON.parse(document.getElementById("explore-data").textContent);
  const { trials, variables, axes, rivals, chip } = data;
  const byNumber = new Map(trials.map((trial) => [trial.trial, trial]));
  const trained = trials.filter((trial) => trial.emd !== null);
  const SVG = "http://www.w3.org/2000/svg";

  function add(parent, name, attributes, text) {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  }

  const short = (value) => (typeof value === "number" ? String(Number(value.toPrecision(3))) : String(value));
  const told = (trial) => Object.entries(trial.values).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(" ");

  function title(trial) {
    const area = trial.area === null ? "" : `, ${short(trial.area)} kGE${trial.measured ? "" : " (estimated)"}`;
    return `trial ${trial.trial}: EMD ${trial.emd === null ? "-" : trial.emd.toFixed(4)}${area}\n${told(trial)}`;
  }

  // A colour from dark red (0) to light grey (1).
  const shade = (part) => `hsl(350 ${Math.round(80 - 70 * part)}% ${Math.round(35 + 42 * part)}%)`;

  function scale(low, high, from, to, log) {
    const f = log ? Math.log : (value) => value;
    const [a, b] = low === high ? [f(low) - 0.5, f(high) + 0.5] : [f(low), f(high)];
    return (value) => from + ((f(value) - a) / (b - a)) * (to - from);
  }

  function ticks(low, high, log) {
    if (log) {
      const found = [];
      for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
        for (const step of [1, 2, 5]) {
          const value = step * 10 ** power;
          if (value >= low * 0.999 && value <= high * 1.001) found.push(value);
        }
      }
      if (found.length > 1) return found;
    }
    const step = 10 ** Math.floor(Math.log10((high - low) / 4 || 1));
    const wide = [1, 2, 5, 10].map((factor) => factor * step).find((one) => (high - low) / one <= 6) || step;
    const found = [];
    for (let value = Math.ceil(low / wide) * wide; value <= high + wide / 1e6; value += wide) found.push(value);
    return found;
  }

  function frame(svg, box, x, y, labels) {
    const { left, right, top, bottom } = box;
    for (const value of y.ticks) {
      add(svg, "line", { class: "grid", x1: left, x2: right, y1: y.at(value), y2: y.at(value) });
      add(svg, "text", { x: left - 8, y: y.at(value) + 4, "text-anchor": "end" }, short(value));
    }
    for (const value of x.ticks) {
      add(svg, "line", { class: "grid", x1: x.at(value), x2: x.at(value), y1: top, y2: bottom });
      add(svg, "text", { x: x.at(value), y: bottom + 18, "text-anchor": "middle" }, short(value));
    }
    add(svg, "path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` });
    add(svg, "text", { x: (left + right) / 2, y: bottom + 38, "text-anchor": "middle" }, labels[0]);
    add(svg, "text", { x: 14, y: (top + bottom) / 2, "text-anchor": "middle", transform: `rotate(-90 14 ${(top + bottom) / 2})` }, labels[1]);
  }

  function axis(values, from, to, log) {
    const low = Math.min(...values);
    const high = Math.max(...values);
    const pad = log ? 0 : (high - low) * 0.05 || Math.abs(high) * 0.05 || 1;
    const [a, b] = log ? [low / 1.06, high * 1.06] : [low - pad, high + pad];
    return { at: scale(a, b, from, to, log), ticks: ticks(a, b, log) };
  }

  function drawFront(name) {
    const svg = document.getElementById("front-plot");
    svg.replaceChildren();
    const points = trained.filter((trial) => trial.figures[name] !== null && trial.figures[name] !== undefined);
    if (!points.length) {
      add(svg, "text", { x: 380, y: 220, "text-anchor": "middle" }, "no point has it yet");
      return;
    }
    const box = { left: 70, right: 580, top: 20, bottom: 380 };
    const links = new Set(points.map((trial) => trial.known.elinks));
    const lines = rivals.filter((rival) => links.has(rival.elinks));
    const emds = [...points.map((trial) => trial.emd), ...lines.map((rival) => rival.validation)];
    const across = [...points.map((trial) => trial.figures[name]), ...(chip[name] ? [chip[name]] : [])];
    const x = axis(across, box.left, box.right, Math.min(...across) > 0 && Math.max(...across) > 4 * Math.min(...across));
    const y = axis(emds, box.bottom, box.top, Math.min(...emds) > 0 && Math.max(...emds) > 3 * Math.min(...emds));
    frame(svg, box, x, y, [axes[name], "mean EMD of validation rows"]);
    let last = -Infinity;
    for (const rival of [...lines].sort((a, b) => a.validation - b.validation).reverse()) {
      const at = y.at(rival.validation);
      add(svg, "line", { x1: box.left, x2: box.right, y1: at, y2: at, stroke: "#1f5fbf", "stroke-dasharray": "5 4", opacity: 0.55 });
      last = Math.max(last + 12, at + 4);
      add(svg, "text", { x: box.right + 6, y: last, style: "font-size:10px;fill:#1f5fbf" }, `${rival.name}, ${rival.elinks} eLinks`);
    }
    if (chip[name]) {
      const at = x.at(chip[name]);
      add(svg, "line", { x1: at, x2: at, y1: box.top, y2: box.bottom, stroke: "#444b57", "stroke-dasharray": "2 3" });
      add(svg, "text", { x: at - 5, y: box.top + 12, "text-anchor": "end" }, "published chip");
    }
    const front = points.filter((trial) => trial.front).sort((a, b) => a.figures[name] - b.figures[name]);
    add(svg, "polyline", { points: front.map((one) => `${x.at(one.figures[name])},${y.at(one.emd)}`).join(" "), fill: "none", stroke: "#c8102e" });
    for (const trial of points) {
      const at = [x.at(trial.figures[name]), y.at(trial.emd)];
      const full = trial.state === "trained";
      if (name === "area" && !trial.measured && trial.front) {
        const error = trial.known.area_error * trial.area;
        add(svg, "line", { x1: Math.max(box.left, x.at(Math.max(trial.area - error, trial.area / 100))), x2: Math.min(box.right, x.at(trial.area + error)), y1: at[1], y2: at[1], stroke: "#c8102e" });
      }
      const dot = add(svg, "circle", {
        cx: at[0], cy: at[1], r: trial.front ? 5 : 3.5, "data-trial": trial.trial,
        fill: trial.front ? "#c8102e" : full ? "#77777f" : "none", stroke: trial.front ? "#c8102e" : "#77777f",
      });
      add(dot, "title", {}, title(trial));
    }
  }

  function drawParallel() {
    const svg = document.getElementById("parallel-plot");
    if (!trained.length) return;
    const columns = [...variables.map((name) => ({ name, of: (trial) => trial.values[name] })),
      { name: "kGE", of: (trial) => trial.area }, { name: "EMD", of: (trial) => trial.emd }];
    const gap = columns.length > 1 ? 800 / (columns.length - 1) : 0;
    const emds = trained.map((trial) => trial.emd).sort((a, b) => a - b);
    columns.forEach((column, i) => {
      const values = trained.map(column.of).filter((value) => value !== undefined && value !== null);
      const numbers = values.length > 0 && values.every((value) => typeof value === "number");
      column.x = 50 + i * gap;
      if (numbers) {
        const [low, high] = [Math.min(...values), Math.max(...values)];
        const at = scale(low, high, 360, 60, low > 0 && high > 20 * low);
        column.at = at;
        for (const value of new Set([low, high])) add(svg, "text", { x: column.x, y: at(value) + (value === low ? 16 : -8), "text-anchor": "middle", style: "font-size:10px" }, short(value));
      } else {
        const kinds = [...new Set(values.map((value) => JSON.stringify(value)))].sort();
        column.at = (value) => (kinds.length === 1 ? 210 : 60 + (300 * kinds.indexOf(JSON.stringify(value))) / (kinds.length - 1));
        for (const kind of kinds) add(svg, "text", { x: column.x + 4, y: column.at(JSON.parse(kind)) - 4, style: "font-size:10px" }, kind.slice(0, 14));
      }
      add(svg, "line", { class: "axis", x1: column.x, x2: column.x, y1: 60, y2: 360 });
      const name = column.name.split(".").slice(-2).join(".");
      add(svg, "text", { x: column.x, y: i % 2 ? 30 : 408, "text-anchor": "middle", style: "font-size:10px" }, name);
    });
    for (const trial of [...trained].sort((a, b) => Number(a.front) - Number(b.front) || b.emd - a.emd)) {
      const part = emds.length > 1 ? emds.indexOf(trial.emd) / (emds.length - 1) : 0;
      const points = columns.filter((column) => column.of(trial) !== undefined && column.of(trial) !== null);
      const made = add(svg, "polyline", {
        points: points.map((column) => `${column.x},${column.at(column.of(trial))}`).join(" "),
        fill: "none", stroke: shade(part), "stroke-width": trial.front ? 2.6 : 0.9, opacity: trial.front ? 1 : 0.6,
      });
      add(made, "title", {}, title(trial));
    }
  }

  function drawCurves() {
    const svg = document.getElementById("curves-plot");
    const known = trained.filter((trial) => trial.rungs.length);
    if (!known.length) return;
    const box = { left: 70, right: 740, top: 20, bottom: 345 };
    const emds = known.flatMap((trial) => trial.rungs.map((rung) => rung.emd));
    const epochs = known.flatMap((trial) => trial.rungs.map((rung) => rung.epochs));
    const x = axis(epochs, box.left, box.right, Math.max(...epochs) > 8 * Math.min(...epochs));
    const y = axis(emds, box.bottom, box.top, Math.min(...emds) > 0 && Math.max(...emds) > 3 * Math.min(...emds));
    frame(svg, box, x, y, ["epochs", "mean EMD of validation rows"]);
    for (const trial of [...known].sort((a, b) => Number(a.front) - Number(b.front))) {
      const colour = trial.front ? "#c8102e" : "#9a9aa3";
      const at = trial.rungs.map((rung) => `${x.at(rung.epochs)},${y.at(rung.emd)}`);
      const made = add(svg, "polyline", { points: at.join(" "), fill: "none", stroke: colour, "stroke-width": trial.front ? 2 : 0.9, opacity: trial.front ? 1 : 0.7 });
      add(made, "title", {}, title(trial));
      const end = trial.rungs[trial.rungs.length - 1];
      add(svg, "circle", { cx: x.at(end.epochs), cy: y.at(end.emd), r: 2.5, fill: colour });
    }
  }

  async function copy(number, button) {
    const text = byNumber.get(number).toml;
    try {
      await navigator.clipboard.writeText(text);
    } catch {  // a page from a disk may not use the clipboard
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    document.documentElement.dataset.copied = text;
    button.textContent = "copied";
    setTimeout(() => { button.textContent = "copy TOML"; }, 1500);
  }

  function fillTable() {
    const body = document.querySelector("#trials-table tbody");
    const state = document.getElementById("filter-state").value;
    const words = document.getElementById("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const most = (id) => { const text = document.getElementById(id).value; return text === "" ? Infinity : Number(text); };
    const [emd, area] = [most("filter-emd"), most("filter-area")];
    const shown = trials.filter((trial) => {
      const text = `${told(trial)} ${trial.reason}`.toLowerCase();
      return (!state || trial.state === state || (state === "front" && trial.front)) && words.every((word) => text.includes(word))
        && (emd === Infinity || (trial.emd !== null && trial.emd <= emd)) && (area === Infinity || (trial.area !== null && trial.area <= area));
    });
    body.replaceChildren(...shown.map((trial) => {
      const row = document.createElement("tr");
      if (trial.front) row.className = "ae";
      const cell = (text, kind) => { const made = document.createElement("td"); made.textContent = text; made.className = kind || ""; row.append(made); return made; };
      cell(String(trial.trial).padStart(4, "0"), "name");
      cell(trial.front ? "front" : trial.state);
      cell(trial.emd === null ? "–" : trial.emd.toFixed(4), "num");
      cell(trial.rungs.length ? trial.rungs[trial.rungs.length - 1].epochs : "–", "num");
      cell(trial.area === null ? "–" : `${trial.measured ? "" : "~"}${trial.area.toFixed(trial.measured ? 1 : 0)}`, "num");
      cell(trial.known.registers ?? "–", "num");
      cell(trial.known.latency ?? "–", "num");
      cell(told(trial) + (trial.reason ? ` (${trial.reason})` : ""), "values");
      const last = cell("");
      if (trial.toml) {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "copy";
        button.dataset.trial = trial.trial;
        button.textContent = "copy TOML";
        last.append(button);
      }
      return row;
    }));
    document.getElementById("filter-count").textContent = `${shown.length} of ${trials.length}`;
  }

  const select = document.getElementById("front-x");
  for (const [name, label] of Object.entries(axes)) select.append(new Option(label, name));
  select.addEventListener("change", () => drawFront(select.value));
  const states = document.getElementById("filter-state");
  for (const state of ["front", ...new Set(trials.map((trial) => trial.state))]) states.append(new Option(state, state));
  for (const id of ["filter-state", "filter-text", "filter-emd", "filter-area"]) document.getElementById(id).addEventListener("input", fillTable);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.copy");
    if (button) copy(Number(button.dataset.trial), button);
  });
  drawFront(select.value);
  drawParallel();
  drawCurves();
  fillTable();
})();
