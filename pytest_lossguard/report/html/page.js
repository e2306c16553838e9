// Opens, sorts, searches and copies. What is not on the screen is not made.
(() => {
  const list = document.getElementById("tests");
  if (!list) return;
  const $ = (id) => document.getElementById(id);

  function figuresOf(id) {
    return JSON.parse($(`f${id}`).textContent);
  }

  function isShown(element) {
    for (let at = element.closest("details"); at; at = at.parentElement.closest("details")) {
      if (!at.open) return false;
    }
    return true;
  }

  // A row that was opened: its figures, and what can be copied.
  function complete(test) {
    for (const place of test.querySelectorAll("[data-figure]:not([data-drawn])")) {
      if (!isShown(place)) continue;
      test.figures ??= figuresOf(test.id);
      const name = place.dataset.figure;
      figures.draw(place, test.figures[name], `${test.id}-${name}`);
    }
    for (const block of test.querySelectorAll("[data-copy]:not(.copied)")) {
      block.classList.add("copied");
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.setAttribute("aria-label", `Copy the ${block.dataset.copy}`);
      button.addEventListener("click", () => copy(block.querySelector("span"), block.dataset.copy));
      block.append(button);
    }
  }

  async function copy(source, what) {
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source); // where the clipboard is not ours to write
      document.execCommand("copy");
    }
    $("said").textContent = "";
    $("said").textContent = `The ${what} is copied.`;
    setTimeout(() => { $("said").textContent = ""; }, 3000);
  }

  list.addEventListener("toggle", (event) => {
    const test = event.target.closest(".test");
    if (test && event.target.open) complete(test);
  }, true);

  // The list

  const filter = document.querySelector(".filter");
  if (!filter) return;
  const index = JSON.parse($("index").textContent);
  const rows = [...list.querySelectorAll(".test")];
  const STEP = Math.max(rows.length, 1);
  let most = STEP;

  function row(at) {
    if (!rows[at]) {
      const template = document.createElement("template");
      template.innerHTML = $(`bt${at}`).textContent;
      rows[at] = template.content.firstElementChild;
    }
    return rows[at];
  }

  const orders = {
    severity: () => 0,
    nearness: (a, b) => index[b][1] - index[a][1],
    time: (a, b) => index[b][2] - index[a][2],
    loss: (a, b) => index[b][4] - index[a][4],
  };

  function choose() {
    const words = filter.querySelector("[type=search]").value.toLowerCase().split(/\s+/);
    const boxes = new Set([...filter.querySelectorAll(":checked[type=checkbox]")].map((it) => it.value));
    const order = orders[filter.querySelector("select").value];
    const found = [...index.keys()]
      .filter((at) => boxes.has(index[at][0]) && words.every((it) => index[at][3].includes(it)))
      .sort((a, b) => order(a, b) || a - b);
    list.replaceChildren(...found.slice(0, most).map(row));
    $("none").hidden = found.length > 0 || index.length === 0;
    $("more").hidden = found.length <= most;
    $("more").querySelector("span").textContent = `${Math.min(most, found.length)} of ${found.length} tests are shown`;
  }

  filter.addEventListener("input", () => {
    most = STEP;
    choose();
  });
  filter.addEventListener("submit", (event) => event.preventDefault());
  $("more").querySelector("button").addEventListener("click", () => {
    most += STEP;
    choose();
  });

  // page.html#t3 opens that test.
  function follow() {
    const at = Number(/^#t(\d+)$/.exec(location.hash)?.[1] ?? -1);
    if (!(at in index)) return;
    const test = row(at);
    if (!test.isConnected) list.prepend(test);
    test.open = true;
    test.scrollIntoView();
  }
  addEventListener("hashchange", follow);
  if (index.length > most) choose();
  follow();
})();
