/**
 * The service worker: has the page open when colorize serve does not run, so that it can say so, and go on when it does.
 *
 * While the program answers, everything comes from there. Pictures and the API never pass through here.
 */

const CACHE = "colorize";
const PAGES = ["/", "/docs"];
const PART = "/page/";

addEventListener("install", (event) => event.waitUntil(fill()));
addEventListener("activate", (event) => event.waitUntil(clients.claim()));

addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname, search } = new URL(url);
  if (method !== "GET" || origin !== location.origin || search) return;
  if (PAGES.includes(pathname) || pathname.startsWith(PART)) event.respondWith(answer(event.request, pathname));
});

async function fill() {
  const files = await (await fetch(`${PART}files.json`)).json();
  const cache = await caches.open(CACHE);
  await cache.addAll([...PAGES, ...files.map((name) => PART + name)]);
  await skipWaiting();
}

async function answer(request, name) {
  let response;
  try {
    response = await fetch(request);
  } catch (error) {
    const kept = await caches.match(name);
    if (kept) return kept;
    throw error;
  }
  if (response.ok && !response.redirected) {
    const copy = response.clone();
    caches.open(CACHE).then((cache) => cache.put(name, copy));
  }
  return response;
}
