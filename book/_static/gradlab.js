// A formula that scrolls can be reached by the keyboard, as code and tables can by the theme's script.
function reachable() {
  for (const formula of document.querySelectorAll('mjx-container[display="true"]')) {
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    else formula.removeAttribute("tabindex");
  }
}
addEventListener("load", () => window.MathJax?.startup?.promise.then(reachable));
addEventListener("resize", reachable);

// Paper is light, shows all answers, and does not scroll: what is wider than the sheet is made smaller.
const SHEET = 640;
let undo = [];

function set(object, key, value) {
  const before = object[key];
  undo.push(() => { object[key] = before; });
  object[key] = value;
}

function fit(article) {
  const width = article.style.width;
  article.style.width = `${SHEET}px`;
  const wide = [...article.querySelectorAll('mjx-container[display="true"], .pst-scrollable-table-container, .cell_output')]
    .map(box => [box.matches("mjx-container") ? box : box.querySelector("table"), box.clientWidth / box.scrollWidth])
    .filter(([content, ratio]) => content && ratio < 1);
  article.style.width = width;
  for (const [content, ratio] of wide) set(content.style, "zoom", ratio);
}

addEventListener("beforeprint", () => {
  set(document.documentElement.dataset, "theme", "light");
  for (const answer of document.querySelectorAll("details.sd-dropdown")) set(answer, "open", true);
  document.querySelectorAll("article.bd-article").forEach(fit);
});
addEventListener("afterprint", () => {
  for (const step of undo.reverse()) step();
  undo = [];
});

// The package is a file of this site: commands that install it name it by its whole address.
addEventListener("DOMContentLoaded", () => {
  const link = document.querySelector('article a[href$=".whl"]');
  for (const code of link ? document.querySelectorAll("article pre") : []) {
    const text = [...code.childNodes].find(node => node.data?.includes(link.textContent));
    if (text) text.data = text.data.replace(link.textContent, link.href);
  }
});

// A formula is drawn, and has no text of its own: what is copied gets its TeX.
addEventListener("copy", event => {
  const selection = getSelection();
  const set = window.MathJax?.startup?.document?.math;
  if (!set || selection.isCollapsed) return;
  const range = selection.getRangeAt(0).cloneRange();
  const formulas = [...set].filter(({typesetRoot}) => typesetRoot && range.intersectsNode(typesetRoot));
  if (!formulas.length) return;
  const first = formulas[0].typesetRoot, last = formulas.at(-1).typesetRoot;
  if (first.contains(range.startContainer)) range.setStartBefore(first);
  if (last.contains(range.endContainer)) range.setEndAfter(last);
  for (const {typesetRoot, math, display} of formulas) {
    const mark = display ? "$$" : "$";
    typesetRoot.dataset.tex = mark + math.trim() + mark;
  }
  const copied = document.createElement("div");
  copied.append(range.cloneContents());
  for (const formula of copied.querySelectorAll("mjx-container")) formula.replaceWith(formula.dataset.tex);
  // Only what is on the page has line breaks.
  document.body.append(copied);
  event.clipboardData.setData("text/plain", copied.innerText);
  event.clipboardData.setData("text/html", copied.innerHTML);
  copied.remove();
  event.preventDefault();
});
