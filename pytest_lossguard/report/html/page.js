"use strict";
(() => {
  const narrow = matchMedia("(max-width: 700px)");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const tests = [...document.querySelectorAll(".test")];
  const drawn = new Set();

  // The library is large: it runs once the overview is on the screen.
  function library() {
    if (!window.Plotly) {
      const script = document.createElement("script");
      script.textContent = document.getElementById("library").textContent;
      document.head.append(script);
    }
    return window.Plotly;
  }

  function colors() {
    const style = getComputedStyle(document.documentElement);
    return (name) => style.getPropertyValue(name).trim();
  }

  // What a figure leaves open, so that it fits the page.
  function themed(layout) {
    const of = colors();
    const axis = {
      gridcolor: of("--line"), linecolor: of("--line"), zerolinecolor: of("--line"),
      fixedrange: narrow.matches, // a finger on a figure scrolls the page
    };
    const all = {
      ...layout,
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: "system-ui, sans-serif", size: narrow.matches ? 11 : 12, color: of("--text") },
      hoverlabel: { bgcolor: of("--card"), bordercolor: of("--line"), font: { color: of("--text") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: of("--dim"), activecolor: of("--accent") },
      dragmode: narrow.matches ? false : "zoom",
    };
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis/.test(key)) all[key] = { ...axis, ...layout[key] };
    }
    return all;
  }

  const settings = {
    displaylogo: false,
    responsive: true,
    displayModeBar: narrow.matches ? false : "hover",
    // Named one by one: plotly's own set has a button that sends a figure away.
    modeBarButtons: [["toImage"], ["zoom2d", "pan2d", "resetScale2d"]],
  };

  function figuresOf(test) {
    test.figures ??= JSON.parse(test.querySelector(":scope > script").textContent);
    return test.figures;
  }

  function isShown(element) {
    for (let at = element.closest("details"); at; at = at.parentElement.closest("details")) {
      if (!at.open) return false;
    }
    return true;
  }

  function draw(test) {
    const figures = figuresOf(test);
    for (const place of test.querySelectorAll("[data-figure]")) {
      const figure = figures[place.dataset.figure];
      if (drawn.has(place) || !isShown(place)) continue;
      drawn.add(place);
      place.style.height = `${figure.layout.height}px`;
      // The text first, each figure when there is time.
      setTimeout(() => library().newPlot(place, figure.data, themed(figure.layout), settings));
    }
  }

  function recolor() {
    for (const place of drawn) {
      const figure = figuresOf(place.closest(".test"))[place.dataset.figure];
      library().react(place, figure.data, themed(figure.layout), settings);
    }
  }

  for (const test of tests) {
    test.addEventListener("toggle", () => draw(test), true); // its trainings' too
  }
  addEventListener("load", () => requestAnimationFrame(() => setTimeout(library)));
  dark.addEventListener("change", recolor);

  const filter = document.querySelector(".filter");
  function choose() {
    const words = filter.querySelector("[type=search]").value.toLowerCase();
    const boxes = [...filter.querySelectorAll(":checked")].map((it) => it.value);
    let shown = 0;
    for (const test of tests) {
      test.hidden = !(test.dataset.name.includes(words) && boxes.includes(test.dataset.status));
      shown += !test.hidden;
    }
    document.getElementById("none").hidden = shown > 0 || tests.length === 0;
  }
  filter.addEventListener("input", choose);
  filter.addEventListener("submit", (event) => event.preventDefault());

  // page.html#t3 opens that test.
  function follow() {
    const test = tests.find((it) => `#${it.id}` === location.hash);
    if (test) {
      test.open = true;
      test.scrollIntoView();
    }
  }
  addEventListener("hashchange", follow);
  follow();
})();
