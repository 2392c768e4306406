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

// What a reader has done stays in this browser: a page's boxes ticked, and which questions were answered
// right at the first try. Marks stand beside the links of pages that are done.
const DONE = "gradlab-done";
const root = new URL(document.documentElement.dataset.content_root ?? "./", location.href);
const pageOf = address => {
  const {pathname, origin} = new URL(address, location.href);
  const inside = origin === root.origin && pathname.startsWith(root.pathname) && pathname.endsWith(".html");
  return inside ? pathname.slice(root.pathname.length, -".html".length) : null;
};

function record() {
  try {
    return JSON.parse(localStorage.getItem(DONE)) ?? {};
  } catch {
    return {};
  }
}

function keep(page, changes) {
  const all = record();
  all[page] = {...all[page], ...changes};
  try {
    localStorage.setItem(DONE, JSON.stringify(all));
  } catch {
    // A browser that keeps nothing still shows the page.
  }
  showDone();
}

function showDone() {
  const all = record();
  for (const link of document.querySelectorAll(".bd-links a[href], .gradlab-map a")) {
    const address = link.getAttribute("href");
    const page = address === "#" ? pageOf(location.href) : pageOf(address);
    link.classList.toggle("gradlab-done", Boolean(all[page]?.done));
  }
  const count = folder => Object.entries(all).filter(([page, {done}]) => done && page.startsWith(folder)).length;
  const say = document.querySelector("#gradlab-progress output");
  if (say) say.value = `Ticked in this browser: chapters ${count("book/")}, exercises ${count("exercises/")}.`;
}

// Each question of a section: the paragraph, its options, and the right one among them.
function questions(section) {
  const found = [];
  for (const child of section.children) {
    if (child.matches("p") && /^\d/.test(child.querySelector("strong")?.textContent ?? "")) found.push([]);
    else if (child.matches("details.sd-dropdown")) found.at(-1)?.push(child);
  }
  return found;
}

addEventListener("DOMContentLoaded", () => {
  const page = pageOf(location.href);
  const quiz = document.querySelector("section#check-yourself");
  const exercise = page?.startsWith("exercises/");
  const article = document.querySelector("article.bd-article");
  if (article && page && (quiz || exercise)) {
    const box = document.createElement("p");
    box.className = "gradlab-tick";
    box.innerHTML = `<label><input type="checkbox"> I have worked through this ${exercise ? "exercise" : "chapter"}.</label> <output></output>`;
    const input = box.querySelector("input");
    input.checked = Boolean(record()[page]?.done);
    input.addEventListener("change", () => keep(page, {done: input.checked}));
    article.append(box);
    if (quiz) follow(page, questions(quiz), box.querySelector("output"));
  }
  const progress = document.querySelector("#gradlab-progress");
  if (progress) {
    progress.hidden = false;
    progress.querySelector("button").addEventListener("click", () => {
      try {
        localStorage.removeItem(DONE);
      } catch {
        // Nothing was kept.
      }
      showDone();
    });
  }
  showDone();
});
// Another tab may have ticked a page; a page may come back as it was left.
addEventListener("storage", showDone);
addEventListener("pageshow", showDone);

// Keep whether the option that is opened first is the right one, for each question.
function follow(page, quiz, output) {
  const say = () => {
    const first = record()[page]?.first ?? {};
    const right = Object.values(first).filter(Boolean).length;
    const answered = Object.keys(first).length;
    output.value = answered ? `Check yourself: ${answered} of ${quiz.length} answered, ${right} right at the first try.` : "";
  };
  quiz.forEach((options, number) => {
    for (const option of options) {
      // Printing opens all; a reader opens one by its title.
      option.querySelector("summary").addEventListener("click", () => {
        const first = record()[page]?.first ?? {};
        if (option.open || number in first) return;
        const answer = option.querySelector("p.sd-card-text")?.textContent ?? "";
        keep(page, {first: {...first, [number]: /^Right\b/.test(answer.trim())}});
        say();
      });
    }
  });
  say();
}
