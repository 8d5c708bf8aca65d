// What htmx and the browser do not do by themselves. Without this file every page still reads.
"use strict";

// after a part of the page was replaced, readers and the keyboard continue where it begins
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target && event.detail.target.id === "main") {
    const main = document.getElementById("main");
    if (main) main.focus({ preventScroll: true });
  }
});

// requests that change something carry the token of the page's forms
document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("input[name=csrf]");
  if (token) event.detail.headers["X-CSRF-Token"] = token.value;
});

// an open menu closes by Escape, and by a click elsewhere
document.addEventListener("keydown", (event) => {
  const open = document.querySelector("details.who[open]");
  if (event.key === "Escape" && open) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  const open = document.querySelector("details.who[open]");
  if (open && !open.contains(event.target)) open.open = false;
});

// on a narrow screen the navigation scrolls: it begins with the page that is open. By hand, because in some browsers
// the keyboard would begin there, too, after scrollIntoView
const here = document.querySelector(".side [aria-current]");
if (here) {
  const strip = here.closest("ul");
  const beyond = here.getBoundingClientRect().left - strip.getBoundingClientRect().left;
  strip.scrollLeft += beyond - (strip.clientWidth - here.offsetWidth) / 2;
}
