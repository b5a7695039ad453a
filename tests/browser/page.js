// What a test wants to know of a page, computed where the browser has it: returns an object.
const problems = [];
const shown = (node) => {
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  return style.visibility !== "hidden" && style.display !== "none" && box.width > 1 && box.height > 1
    && !node.closest("details:not([open]) > :not(summary)");
};
const rgb = (text) => {
  const found = text.match(/[\d.]+/g);
  return found && text !== "none" ? found.map(Number) : null;
};
const luminance = ([r, g, b]) => {
  const [x, y, z] = [r, g, b].map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
  return .2126 * x + .7152 * y + .0722 * z;
};
const contrast = (a, b) => {
  const [x, y] = [luminance(a), luminance(b)].sort((m, n) => n - m);
  return (x + .05) / (y + .05);
};
const behind = (node) => {
  for (let at = node; at; at = at.parentElement) {
    const colour = rgb(getComputedStyle(at).backgroundColor);
    if (colour && (colour.length < 4 || colour[3] > 0)) return colour;
  }
  return [255, 255, 255];
};
const behindText = (text) => {  // the shape of a picture that a text of it stands on
  const inView = text.getBoundingClientRect();
  if (inView.top < 0 || inView.bottom > innerHeight) text.scrollIntoView({ block: "center", behavior: "instant" });
  const box = text.getBoundingClientRect();
  const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
  for (const node of document.elementsFromPoint(x, y)) {
    if (node === text || node.tagName === "text" || node.tagName === "tspan") continue;
    if (node.tagName === "svg" || !node.closest("svg")) break;
    const style = getComputedStyle(node);
    const colour = rgb(style.fill);
    if (colour && style.fillOpacity !== "0") return colour;
  }
  return behind(text.closest("svg").parentElement);
};
const check = (name, front, back, size, weight) => {
  const large = size >= 24 || (size >= 18.66 && weight >= 700);
  const sign = !/[\p{L}\p{N}]/u.test(name);  // a square or an arrow is seen, not read
  const found = contrast(front, back);
  if (found < (large || sign ? 3 : 4.5)) problems.push(`contrast ${found.toFixed(2)}: ${name.slice(0, 60)}`);
};

// Contrast of every text.
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let texts = 0;
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim();
  const parent = walker.currentNode.parentElement;
  if (!text || parent.closest("style, script, title, desc, noscript, template") || !shown(parent)) continue;
  const style = getComputedStyle(parent);
  texts += 1;
  if (parent.closest("svg")) {
    check(text, rgb(style.fill), behindText(parent), parseFloat(style.fontSize), Number(style.fontWeight));
  } else {
    check(text, rgb(style.color), behind(parent), parseFloat(style.fontSize), Number(style.fontWeight));
  }
}
for (const field of document.querySelectorAll("input")) {
  const style = getComputedStyle(field, "::placeholder");
  check("placeholder", rgb(style.color), behind(field), parseFloat(style.fontSize), 400);
}
scrollTo({ top: 0, behavior: "instant" });

// Layout.
const wide = document.documentElement.scrollWidth;
if (wide > innerWidth) problems.push(`the page is ${wide} wide in ${innerWidth}`);

// What reads a page aloud goes by.
const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
if (twice.length) problems.push(`ids stand twice: ${twice.slice(0, 5)}`);
for (const node of document.querySelectorAll("[aria-labelledby]")) {
  const labels = node.getAttribute("aria-labelledby").split(" ").map((id) => document.getElementById(id));
  if (labels.some((label) => !label || !label.textContent.trim())) problems.push(`no label: ${node.outerHTML.slice(0, 80)}`);
}
for (const picture of document.querySelectorAll("svg")) {
  if (picture.getAttribute("role") !== "img") problems.push("a picture has no role");
  if (!picture.querySelector("title")?.textContent || !picture.querySelector("desc")?.textContent) problems.push("a picture has no words");
}
const levels = [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].map((node) => Number(node.tagName[1]));
if (levels.filter((level) => level === 1).length !== 1 || levels[0] !== 1) problems.push(`headings begin ${levels.slice(0, 3)}`);
levels.forEach((level, at) => { if (at && level > levels[at - 1] + 1) problems.push(`heading ${at} skips a level`); });
for (const [what, least] of [["main", 1], ["header", 1], ["nav[aria-label]", 1], ["footer", 1], ["[role=search]", 1]]) {
  if (document.querySelectorAll(what).length < least) problems.push(`there is no ${what}`);
}
if (!document.documentElement.lang || !document.title.trim()) problems.push("no language, or no title");
for (const box of document.querySelectorAll(".scroll")) {
  if (box.scrollWidth > box.clientWidth && box.tabIndex !== 0) problems.push("a box that scrolls takes no focus");
}
if (window.pwned) problems.push("a text of the record ran");

return {
  problems, texts,
  links: [...document.querySelectorAll("a[href]")].map((link) => link.href),
  current: [...document.querySelectorAll("[aria-current]")].length,
  pictures: document.querySelectorAll("svg").length,
};
