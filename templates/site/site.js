// Search and sorting. Everything else works without it.
"use strict";
(() => {
  const root = new URL(".", document.currentScript.src).href;
  const field = document.getElementById("q");
  const list = document.getElementById("found");
  const count = document.getElementById("found-count");
  const page = document.getElementById("all-found");
  let loading = null;

  // The index is a script, because a page from a file path may load nothing else.
  function load() {
    loading = loading || new Promise((done, failed) => {
      const script = document.createElement("script");
      script.src = root + "search-index.js";
      script.onload = () => done(window.LEDGER_INDEX.map(([title, kind, path, words]) => ({
        title, kind, path, words, inTitle: title.toLowerCase(), all: (title + " " + words).toLowerCase(),
      })));
      script.onerror = failed;
      document.head.append(script);
    });
    return loading;
  }

  function find(index, text) {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const whole = words.join(" ");
    const rank = (one) => one.inTitle === whole ? 0
      : one.inTitle.startsWith(words[0]) ? 1
      : words.every((word) => one.inTitle.includes(word)) ? 2 : 3;
    return index.filter((one) => words.every((word) => one.all.includes(word)))
      .map((one, at) => [rank(one), at, one])
      .sort((a, b) => a[0] - b[0] || a[1] - b[1])
      .map((entry) => entry[2]);
  }

  function line(one) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = root + one.path;
    for (const [name, text] of [["name", one.title], ["sort-of", " " + one.kind], ["said", " " + one.words]]) {
      const part = document.createElement("span");
      part.className = name;
      part.textContent = text;
      link.append(part);
    }
    item.append(link);
    return item;
  }

  function show(found) {
    const text = field.value.trim();
    list.replaceChildren(...found.slice(0, 8).map(line));
    list.hidden = !found.length || !text;
    count.textContent = text ? found.length + " found" : "";
    if (page) page.replaceChildren(...found.slice(0, 200).map(line));
    if (page) list.hidden = true;
  }

  if (field) {
    const form = field.form;
    field.addEventListener("focus", load, { once: true });
    field.addEventListener("input", () => load().then((index) => show(find(index, field.value))));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      load().then((index) => {
        const [first] = find(index, field.value);
        if (first) location.href = root + first.path;
        else count.textContent = "nothing found";
      });
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { list.hidden = true; field.focus(); }
    });
    form.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !form.contains(event.relatedTarget)) list.hidden = true;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
      event.preventDefault();
      field.focus();
    });
    const asked = new URLSearchParams(location.search).get("q");
    if (asked) {
      field.value = asked;
      load().then((index) => show(find(index, asked)));
    }
  }

  // Columns sort by number where they hold numbers, else by their text.
  const text = (row, at) => row.cells[at].textContent.trim();
  const value = (cell) => {
    const number = parseFloat(cell.replace(/^#/, ""));
    return Number.isNaN(number) || /^[^\d#+-]/.test(cell) ? null : number;
  };
  function compare(a, b) {
    const [x, y] = [value(a), value(b)];
    if (x !== null && y !== null) return x - y;
    if ((x === null) !== (y === null)) return x === null ? 1 : -1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, at) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        const rows = [...body.rows].sort((a, b) => compare(text(a, at), text(b, at)));
        body.append(...(down ? rows.reverse() : rows));
      });
    });
  }
})();
