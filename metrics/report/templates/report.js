"use strict";
// Repaints the wafers of #gallery for the event that the slider, the buttons or #event=N in the address select.
(() => {
  const { scale, events } = JSON.parse(document.getElementById("gallery-data").textContent);
  const gallery = document.getElementById("gallery");
  const slider = document.getElementById("gallery-at");
  const title = document.getElementById("gallery-title");
  const back = document.getElementById("gallery-back");
  const on = document.getElementById("gallery-on");
  const figures = [...gallery.querySelectorAll("figure")].map((figure) => ({
    caption: figure.querySelector("figcaption"),
    name: figure.querySelector(".wafer-title").textContent,
    svg: figure.querySelector("svg"),
    cells: [...figure.querySelectorAll("polygon")],
  }));
  const ticks = [...gallery.querySelectorAll(".legend text")].slice(1);
  const significant = (number) => String(Number(number.toPrecision(3)));
  const MIP_COUNTS = 35;

  function paint(index) {
    const event = events[index];
    const shares = event.images.map(({ charges }) => {
      const total = charges.reduce((sum, charge) => sum + charge, 0);
      return charges.map((charge) => (total > 0 ? charge / total : 0));
    });
    const full = Math.max(...shares.flat());
    figures.forEach(({ caption, name, svg, cells }, i) => {
      const { charges, emd } = event.images[i];
      cells.forEach((cell, c) => {
        const share = shares[i][c];
        const at = Math.round(Math.sqrt(Math.min(share / full, 1)) * (scale.length - 1));
        cell.setAttribute("fill", share > 0 ? scale[at] : "#fff");
        cell.setAttribute("stroke", share > 0 ? "#fff" : "#d3d3d8");
        cell.firstChild.textContent = `TC ${c}: ${charges[c]} (${(100 * share).toFixed(2)} %)`;
      });
      if (emd === null) {
        caption.innerHTML = `${(event.total / MIP_COUNTS).toFixed(1)} MIP<sub>T</sub> in ${event.occupancy} cells`;
      } else {
        caption.textContent = `EMD ${emd.toFixed(3)}`;
      }
      svg.setAttribute("aria-label", `${name}: ${caption.textContent}`);
    });
    [0.25, 1].forEach((part, i) => { ticks[i].textContent = `${significant(100 * full * part)} %`; });
    title.textContent = `${event.title}: event ${event.event} (${index + 1} of ${events.length}, from best to worst)`;
    slider.value = index;
    slider.setAttribute("aria-valuetext", title.textContent);
    back.disabled = index === 0;
    on.disabled = index === events.length - 1;
    gallery.dataset.event = event.event;
  }

  function select(index) {
    paint(Math.max(0, Math.min(index, events.length - 1)));
  }

  function fromAddress() {
    const found = /^#event=(\d+)$/.exec(location.hash);
    const index = found ? events.findIndex(({ event }) => event === Number(found[1])) : -1;
    if (index >= 0) {
      select(index);
      gallery.scrollIntoView();
    }
    return index >= 0;
  }

  gallery.hidden = false;
  slider.addEventListener("input", () => select(Number(slider.value)));
  back.addEventListener("click", () => select(Number(slider.value) - 1));
  on.addEventListener("click", () => select(Number(slider.value) + 1));
  window.addEventListener("hashchange", fromAddress);
  const median = events.findIndex((event) => event.title === "Median");
  if (!fromAddress()) select(median >= 0 ? median : Math.floor(events.length / 2));
})();
