/**
 * Files that are not at the server yet, kept by the browser so that the page may be loaded again meanwhile.
 *
 * They lie in IndexedDB until the server has them, under the name of this tab; what a tab has left behind when it was
 * closed is removed a day later. Where a browser keeps nothing (private windows, some), a reload loses what was waiting.
 *
 * A page may be loaded again at any moment. So a picture tells the name under which it is kept (`kept`) before it is, a
 * file that waits on stays where it is, and one that the server has meanwhile is told by its name.
 */

import { Lanes } from "./timing.js";

const DATABASE = "colorize";
const STORE = "files";
const TAB = "colorize.tab";
const DAY = 24 * 3600 * 1000;
const MOST = 512 << 20; // bytes of one tab; a browser copies each file

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

let opened = null;

async function files(mode) {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return (await opened).transaction(STORE, mode).objectStore(STORE);
}

function tab() {
  let name = sessionStorage.getItem(TAB);
  if (!name) {
    name = crypto.getRandomValues(new Uint32Array(4)).join("-");
    sessionStorage.setItem(TAB, name);
  }
  return name;
}

export class Keeping {
  #kept = new Map();
  #lane = new Lanes(1);

  /** @param {import("./shelf.js").Shelf} shelf whose pictures are kept until they have an id of the server's */
  constructor(shelf) {
    shelf.addEventListener("add", ({ detail: { picture } }) => {
      if (!picture.file || picture.id) return;
      if (picture.kept) this.#kept.set(picture, picture.file.size);
      else this.#lane.add(() => shelf.has(picture) && this.#keep(picture));
    });
    shelf.addEventListener("change", ({ detail: { picture } }) => {
      if (picture.id || picture.state === "failed") this.#release(picture);
    });
    shelf.addEventListener("remove", ({ detail: { picture } }) => this.#release(picture));
  }

  async #keep(picture) {
    const { id, state, file, key, name, model, fast } = picture;
    const taken = [...this.#kept.values()].reduce((sum, size) => sum + size, 0);
    if (id || state === "failed" || taken + file.size > MOST) return;
    this.#kept.set(picture, file.size);
    picture.kept = `${tab()} ${performance.timeOrigin} ${key}`; // keys begin anew with each load of the page
    try {
      const store = await files("readwrite");
      await done(store.put({ file, name, model, fast, key, tab: tab(), time: Date.now() }, picture.kept));
      if (picture.id) this.#release(picture); // it was quicker
    } catch {
      this.#kept.delete(picture); // the browser keeps nothing
    }
  }

  #release(picture) {
    if (!this.#kept.delete(picture)) return;
    this.#lane.add(() => remove(picture.kept));
  }
}

async function remove(name) {
  try {
    await done((await files("readwrite")).delete(name));
  } catch {
    // then nothing was kept either
  }
}

/**
 * What was kept for this tab, as it was chosen; what other tabs left long ago goes, and what the server has by now.
 *
 * @param {Set<string>} arrived names of those that the server has
 */
export async function kept(arrived) {
  try {
    const store = await files("readonly");
    const [names, found] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
    const own = [];
    for (const [at, { file, name, model, fast, key, time, tab: owner }] of found.entries()) {
      const mine = owner === tab();
      if (mine && !arrived.has(names[at])) own.push({ time, key, known: { file, name, model, fast, kept: names[at] } });
      else if (mine || Date.now() - time > DAY) await remove(names[at]);
    }
    own.sort((one, other) => one.time - other.time || one.key - other.key);
    return own.map(({ known }) => known);
  } catch {
    return [];
  }
}
