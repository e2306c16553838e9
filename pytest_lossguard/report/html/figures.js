// Draws the plain figures of figures.py, heat_map.py and search_figure.py with uPlot.
const figures = (() => {
  const drawn = new Map(); // each place that is drawn, and its plots
  const narrow = matchMedia("(max-width: 700px)");
  const VIRIDIS = ["440154", "482878", "3e4989", "31688e", "26828e", "1f9e89", "35b779", "6ece58", "b5de2b", "fde725"]
    .map((it) => [0, 2, 4].map((at) => parseInt(it.slice(at, at + 2), 16)));
  const DASHES = { dot: [2, 4], dash: [6, 5], dashdot: [7, 4, 2, 4] };
  const FONT = "12px system-ui, sans-serif";

  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  }

  function number(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e5 || size < 1e-3)) {
      return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
    }
    return String(Number(value.toPrecision(3)));
  }

  function make(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  // Axes

  function round(low, high, wanted) {
    const rough = (high - low) / wanted;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((it) => it * power >= rough * 0.999);
    const ticks = [];
    for (let at = Math.ceil(low / step); at <= Math.floor(high / step); at++) ticks.push(at * step);
    return ticks;
  }

  function decades(low, high, wanted) {
    const [first, last] = [Math.ceil(Math.log10(low)), Math.floor(Math.log10(high))];
    if (last - first < 1) return round(low, high, wanted);
    const step = Math.ceil((last - first + 1) / wanted);
    const ticks = [];
    for (let at = first; at <= last; at += step) ticks.push(10 ** at);
    return ticks;
  }

  function roomy(low, high, isLog) {
    if (low === null || high === null) return [0, 1];
    if (isLog) return [low / 1.25, high * 1.25];
    const room = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
    return [low - room, high + room];
  }

  function axis(given) {
    return {
      stroke: () => color("dim"),
      font: FONT,
      labelFont: FONT,
      labelSize: 18,
      grid: { stroke: () => color("line"), width: 1 },
      ticks: { stroke: () => color("line"), width: 1, size: 4 },
      gap: 4,
      filter: (_, ticks) => ticks, // uPlot would thin out those of a log scale itself
      incrs: (_, at, low, high) => [Math.max(high - low, 5)], // of any size; its own end at 1e32
      space: 1,
      ...given,
    };
  }

  function stepAxis(given) {
    return axis({
      splits: (u, _, low, high) => round(low, high, u.width / 90).filter(Number.isInteger),
      values: (_, ticks) => ticks.map(number),
      size: 30,
      ...given,
    });
  }

  // A plot that fills the width of its place.
  function plot(place, height, options, data) {
    const width = () => Math.max(place.clientWidth, 120);
    const made = new uPlot({
      width: width(), height, legend: { show: false }, ...options,
      cursor: { drag: { x: false, y: false }, points: { size: 7 }, ...options.cursor },
    }, data, place);
    new ResizeObserver(() => {
      if (made.width !== width()) made.setSize({ width: width(), height });
    }).observe(place);
    return made;
  }

  // Curves

  function lines(place, figure, name) {
    return figure.panels.map((panel, index) => {
      const isLast = index === figure.panels.length - 1;
      return curves(place, panel, figure.mark, isLast, name);
    });
  }

  function steps(line) {
    return typeof line.x === "number" ? Array.from({ length: line.x }, (_, at) => at + 1) : line.x;
  }

  function curves(place, panel, mark, isLast, name) {
    // 1: what is null stays a gap.
    const joined = uPlot.join(panel.lines.map((it) => [steps(it), it.y]), panel.lines.map(() => [1, 1]));
    const xs = joined[0];
    const data = [...joined, ...panel.levels.map((it) => xs.map(() => it.value))];
    const legend = make("div", "legend");
    place.append(legend);
    const values = new Map();
    panel.lines.forEach((it, at) => {
      if (it.quiet) return;
      values.set(at + 1, entry(legend, it.name, it.color, ""));
    });
    if (panel.lines.some((it) => it.quiet)) entry(legend, "no help", "gray", "");
    for (const it of panel.levels) {
      entry(legend, it.name, "dim", it.dash).textContent = it.text;
    }
    if (panel.broken.length) legend.append(make("span", "error", "× not finite"));
    const readout = make("span", "readout");
    legend.append(readout);

    const at = (index, series) => {
      let value;
      for (let it = index; it >= 0 && value === undefined; it--) value = data[series][it];
      return value;
    };
    const read = (u) => {
      const index = u.cursor.idx;
      for (const [series, value] of values) {
        value.textContent = index === null || index === undefined ? "" : number(at(index, series));
      }
      readout.textContent = "";
      if (index === null || index === undefined) return;
      readout.textContent = `step ${xs[index]}`;
      const near = panel.lines
        .map((it, place_) => ({ it, value: at(index, place_ + 1) }))
        .filter(({ it, value }) => it.quiet && typeof value === "number")
        .map((it) => ({ ...it, away: Math.abs(u.valToPos(it.value, "y") - u.cursor.top) }))
        .sort((a, b) => a.away - b.away)[0];
      if (near && near.away < 12) readout.textContent += `, ${near.it.name}: ${number(near.value)}`;
    };
    const series = panel.lines.map((it) => ({
      stroke: () => color(it.color), width: it.width, alpha: it.quiet ? 0.6 : 1,
      points: { show: it.dots, size: 5, stroke: () => color(it.color), fill: () => color(it.color) },
    }));
    const levels = panel.levels.map((it) => ({
      stroke: () => color("dim"), width: 1.5, dash: DASHES[it.dash], points: { show: false },
    }));
    return plot(place, isLast && panel.y !== "loss" ? 170 : 260, {
      scales: {
        x: { time: false, range: (_, low, high) => [Math.min(low ?? 0, 1) - 1, Math.max(high ?? 2, 2)] },
        y: { distr: panel.log ? 3 : 1, range: (_, low, high) => roomy(low, high, panel.log) },
      },
      axes: [
        stepAxis(isLast ? { label: "step", size: 26 } : {}),
        axis({
          label: panel.y, size: 62,
          splits: (u, _, low, high) => (panel.log ? decades : round)(low, high, 5),
          values: (_, ticks) => ticks.map(number),
        }),
      ],
      series: [{}, ...series, ...levels],
      cursor: { sync: { key: name }, y: false, points: { show: false } },
      hooks: { setCursor: [read], draw: [(u) => marks(u, panel, mark)] },
    }, data);
  }

  function entry(legend, name, shade, dash) {
    const made = make("span", "entry");
    const swatch = make("i", `swatch ${dash}`);
    swatch.style.borderColor = `var(--${shade})`;
    const value = make("b");
    made.append(swatch, make("span", "", name), " ", value);
    legend.append(made, " ");
    return value;
  }

  function marks(u, panel, mark) {
    const { ctx, bbox } = u;
    const pixel = devicePixelRatio;
    ctx.save();
    ctx.setLineDash([]);
    ctx.strokeStyle = ctx.fillStyle = color("bad");
    ctx.lineWidth = 1.5 * pixel;
    for (const step of panel.broken) cross(ctx, u.valToPos(step, "x", true), bbox.top + 8 * pixel, 4 * pixel);
    if (mark !== null) {
      const x = u.valToPos(mark, "x", true);
      ctx.lineWidth = pixel;
      ctx.setLineDash([2 * pixel, 3 * pixel]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      if (panel.y === "loss") {
        const isRight = x > bbox.left + bbox.width / 2;
        ctx.font = `${12 * pixel}px system-ui, sans-serif`;
        ctx.textAlign = isRight ? "right" : "left";
        const at = [`decisive: step ${mark}`, x + (isRight ? -5 : 5) * pixel, bbox.top + bbox.height - 8 * pixel];
        ctx.setLineDash([]);
        ctx.lineWidth = 4 * pixel;
        ctx.strokeStyle = color("back"); // behind it, so that no curve strikes it through
        ctx.strokeText(...at);
        ctx.fillText(...at);
      }
    }
    ctx.restore();
  }

  function cross(ctx, x, y, size) {
    ctx.beginPath();
    ctx.moveTo(x - size, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.moveTo(x - size, y + size);
    ctx.lineTo(x + size, y - size);
    ctx.stroke();
  }

  // The map of gradients

  function map(place, figure) {
    const rows = figure.names.length;
    const last = figure.x.length - 1;
    const edges = [...figure.x, figure.x[last] + (last ? figure.x[last] - figure.x[last - 1] : 1)];
    const legend = make("div", "legend");
    const bar = make("i", "bar");
    bar.style.background = `linear-gradient(to right, ${VIRIDIS.map((it) => `rgb(${it})`)})`;
    const low = figure.zero === null ? number(10 ** figure.low) : "0";
    const readout = make("span", "readout");
    legend.append(make("span", "", low), bar, make("span", "", number(10 ** figure.high)), readout);
    place.append(legend);

    const measure = make("canvas").getContext("2d");
    measure.font = FONT;
    const widest = Math.max(...figure.names.map((it) => measure.measureText(it).width));
    const read = (u) => {
      readout.textContent = "";
      if (u.cursor.left < 0) return;
      const row = Math.floor(u.posToVal(u.cursor.top, "y"));
      const step = u.posToVal(u.cursor.left, "x");
      const column = edges.findLastIndex((it) => it <= step);
      if (!figure.z[row] || column < 0 || column > last) return;
      const power = figure.z[row][column];
      const isBroken = figure.broken.some(([at, of]) => at === figure.x[column] && of === row);
      const value = power === figure.zero ? "0" : number(10 ** power);
      const text = isBroken ? "not finite" : power === null ? "no gradient" : value;
      readout.textContent = `${figure.names[row]}, step ${figure.x[column]}: ${text}`;
    };
    return [plot(place, 60 + 20 * rows, {
      scales: {
        x: { time: false, range: () => [edges[0], edges[last + 1]] },
        y: { dir: -1, range: () => [0, rows] },
      },
      axes: [
        stepAxis({
          label: "step", size: 26, grid: { show: false },
          splits: (u, _, low, high) => round(low, high, u.width / 90).filter((it) => Number.isInteger(it) && it < high),
        }),
        axis({
          size: Math.min(widest, narrow.matches ? 110 : 200) + 12, grid: { show: false }, ticks: { show: false },
          splits: () => figure.names.map((_, row) => row + 0.5), values: () => figure.names,
        }),
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: { points: { show: false } },
      hooks: { setCursor: [read], draw: [(u) => cells(u, figure, edges)] },
    }, [figure.x, figure.x.map(() => 0)])];
  }

  function cells(u, figure, edges) {
    const { ctx } = u;
    const x = edges.map((it) => Math.round(u.valToPos(it, "x", true)));
    ctx.save();
    figure.z.forEach((row, at) => {
      const [top, bottom] = [u.valToPos(at, "y", true), u.valToPos(at + 1, "y", true)];
      row.forEach((power, column) => {
        if (power === null) return;
        ctx.fillStyle = shade((power - figure.low) / (figure.high - figure.low));
        ctx.fillRect(x[column], top, x[column + 1] - x[column], bottom - top - 1);
      });
    });
    ctx.strokeStyle = color("bad");
    ctx.lineWidth = 2 * devicePixelRatio;
    for (const [step, row] of figure.broken) {
      const column = figure.x.indexOf(step);
      cross(ctx, (x[column] + x[column + 1]) / 2, u.valToPos(row + 0.5, "y", true), 4 * devicePixelRatio);
    }
    ctx.restore();
  }

  function shade(share) {
    const at = Math.max(0, Math.min(1, share)) * (VIRIDIS.length - 1);
    const [low, high] = [VIRIDIS[Math.floor(at)], VIRIDIS[Math.ceil(at)]];
    return `rgb(${low.map((it, band) => Math.round(it + (high[band] - it) * (at % 1)))})`;
  }

  // The corruptions of a search

  function points(place, figure) {
    const legend = make("div", "legend");
    const entries = [["blue", "● passed"], ["bad", "× failed"], ["dim", "faint: with other corruptions"]];
    for (const [shade_, text] of entries) {
      const made = make("span", "entry", text);
      made.style.color = `var(--${shade_})`;
      legend.append(made, " ");
    }
    const readout = make("span", "readout");
    legend.append(readout);
    place.append(legend);
    return figure.panels.map((panel) => corruptions(place, panel, readout));
  }

  function corruptions(place, panel, readout) {
    place.append(make("p", "panel", panel.title));
    const last = panel.ticks.length - 1;
    const read = (u) => {
      readout.textContent = "";
      if (u.cursor.left < 0) return;
      const near = panel.points
        .map((it) => ({ it, away: Math.hypot(u.valToPos(it.x, "x") - u.cursor.left, u.valToPos(it.y, "y") - u.cursor.top) }))
        .reduce((a, b) => (a.away < b.away ? a : b));
      if (near.away < 20) readout.textContent = `${near.it.text}: ${number(near.it.y)} of a limit`;
    };
    return plot(place, 170, {
      scales: {
        x: { time: false, range: () => [-0.6, last + 0.6] },
        y: { distr: 3, range: () => [5e-4, 2e3] },
      },
      axes: [
        axis({
          size: 30, splits: () => panel.ticks.map((_, at) => at), values: () => panel.ticks,
          rotate: 0, grid: { show: false },
        }),
        axis({
          size: 62, splits: () => [1e-3, 1e-2, 0.1, 1, 10, 100, 1e3],
          values: () => ["≤.001", ".01", ".1", "1", "10", "100", "≥1000"],
        }),
      ],
      series: [{}, { paths: () => null, points: { show: false } }],
      cursor: { points: { show: false } },
      hooks: { setCursor: [read], draw: [(u) => symbols(u, panel)] },
    }, [panel.points.map((it) => it.x), panel.points.map((it) => it.y)]);
  }

  function symbols(u, panel) {
    const { ctx, bbox } = u;
    const pixel = devicePixelRatio;
    ctx.save();
    const limit = u.valToPos(1, "y", true);
    ctx.strokeStyle = color("dim");
    ctx.lineWidth = 1.5 * pixel;
    ctx.setLineDash([6 * pixel, 5 * pixel]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, limit);
    ctx.lineTo(bbox.left + bbox.width, limit);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.lineWidth = 2 * pixel;
    for (const it of panel.points) {
      const [x, y] = [u.valToPos(it.x, "x", true), u.valToPos(it.y, "y", true)];
      ctx.globalAlpha = it.alone ? 1 : 0.45;
      ctx.strokeStyle = ctx.fillStyle = color(it.failed ? "bad" : "blue");
      if (it.failed) {
        cross(ctx, x, y, 4.5 * pixel);
      } else {
        ctx.beginPath();
        ctx.arc(x, y, 4 * pixel, 0, 2 * Math.PI);
        ctx.fill();
      }
    }
    ctx.restore();
  }

  const kinds = { lines, map, points };

  // The plots of a figure share a cursor: its name is that of no other on the page.
  function draw(place, figure, name) {
    if (drawn.has(place)) return;
    drawn.set(place, []);
    place.replaceChildren();
    drawn.set(place, kinds[figure.kind](place, figure, name));
    place.dataset.drawn = "";
  }

  function recolor() {
    for (const plots of drawn.values()) plots.forEach((it) => it.redraw());
  }

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolor);
  // A page is printed on white, whatever the screen shows.
  for (const [event, is] of [["beforeprint", true], ["afterprint", false]]) {
    addEventListener(event, () => {
      document.documentElement.classList.toggle("printing", is);
      recolor();
    });
  }
  return { draw };
})();
