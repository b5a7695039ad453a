// Writes down where the focus goes, and whether it can be seen there.
window.visited = [];
document.addEventListener("focusin", (event) => {
  const node = event.target;
  const style = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  window.visited.push({
    at: window.places.indexOf(node),
    what: node.outerHTML.slice(0, 90),
    seen: seen && box.width > 0 && box.right > 0 && box.left < innerWidth && box.bottom > 0 && box.top < innerHeight,
  });
});
const hidden = (node) => node.closest("[hidden]") || node.closest("details:not([open]) > :not(summary)");
window.places = [...document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")]
  .filter((node) => !hidden(node));
return window.places.length;
