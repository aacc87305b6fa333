// A result that is still computed: asks for it until it is there, and puts it in its place.

const FIRST_WAIT = 400;
const LONGEST_WAIT = 3000;

/**
 * @param {HTMLElement} place
 * @param {number} wait milliseconds before it asks
 */
function follow(place, wait) {
  const address = place.dataset.job;
  if (!address) return;
  window.setTimeout(async () => {
    if (!place.isConnected) return;
    const answer = await fetch(address, { headers: { "X-Fragment": "1" } }).catch(() => null);
    if (!answer) { follow(place, LONGEST_WAIT); return; }
    // On to the next step, or to the sign-in.
    if (answer.redirected) { window.location.assign(answer.url); return; }
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    place.replaceChildren(...parsed.body.childNodes);
    if (place.querySelector("[data-working]")) { follow(place, Math.min(2 * wait, LONGEST_WAIT)); return; }
    place.removeAttribute("aria-busy");
    // A document takes the place of the page that waited for it.
    const ready = place.querySelector("a[data-open]");
    if (ready instanceof HTMLAnchorElement) { window.location.replace(ready.href); return; }
    const heading = place.querySelector("h2[tabindex]");
    if (heading instanceof HTMLElement) heading.focus({ preventScroll: true });
  }, wait);
}

for (const place of document.querySelectorAll("[data-job]")) {
  if (place instanceof HTMLElement && place.querySelector("[data-working]")) follow(place, FIRST_WAIT);
}
