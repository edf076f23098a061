/** The shelf as people see it: a tile for each picture with how far it is. */

import { Problem, Unreachable } from "./api.js";
import { THUMBNAIL_SIDE, look, preview, render } from "./images.js";
import { IN_THE_QUEUE } from "./shelf.js";
import { Lanes } from "./timing.js";
import { status } from "./words.js";

const THUMBNAILS_AT_A_TIME = 2;

export class Grid {
  #list;
  #template;
  #shelf;
  #actions;
  #tiles = new Map();
  #thumbnails = new Lanes(THUMBNAILS_AT_A_TIME);

  /**
   * @param {HTMLElement} list
   * @param {HTMLTemplateElement} template of a tile
   * @param {import("./shelf.js").Shelf} shelf
   * @param {{open: Function, retry: Function, remove: Function, lost: Function, unreachable: Function}} actions
   */
  constructor(list, template, shelf, actions) {
    this.#list = list;
    this.#template = template;
    this.#shelf = shelf;
    this.#actions = actions;
    shelf.addEventListener("add", ({ detail }) => this.#add(detail.picture));
    shelf.addEventListener("change", ({ detail }) => this.#update(detail.picture));
    shelf.addEventListener("remove", ({ detail }) => this.#remove(detail.picture));
    list.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Put the keyboard where a picture's tile is; on the first one if it has none. */
  focus(picture) {
    const tile = this.#tiles.get(picture) ?? this.#tiles.values().next().value;
    tile?.open.focus();
  }

  /** Bring the thumbnails up to date, which are left alone while nobody sees them. */
  refresh() {
    for (const picture of this.#tiles.keys()) this.#update(picture);
  }

  #add(picture) {
    const item = this.#template.content.firstElementChild.cloneNode(true);
    const part = (name) => item.querySelector(`.${name}`);
    const tile = {
      item,
      open: part("open"),
      mat: part("mat"),
      status: part("status"),
      bar: part("bar"),
      retry: part("retry"),
      remove: part("remove"),
      shown: "",
    };
    part("name").textContent = picture.name;
    part("name").title = picture.name;
    tile.remove.setAttribute("aria-label", `Remove ${picture.name}`);
    tile.retry.setAttribute("aria-label", `Try ${picture.name} again`);
    tile.bar.setAttribute("aria-label", `Progress of ${picture.name}`);
    tile.open.addEventListener("click", () => picture.state === "ready" && this.#actions.open(picture));
    tile.retry.addEventListener("click", () => this.#actions.retry(picture));
    tile.remove.addEventListener("click", () => this.#dismiss(picture));
    this.#tiles.set(picture, tile);
    this.#list.append(item);
    this.#update(picture);
    if (picture.file) this.#preview(picture, tile);
  }

  #update(picture) {
    const tile = this.#tiles.get(picture);
    const words = status(picture);
    const line = words === "Colouring" ? "Colouring…" : words;
    if (tile.status.textContent !== line) tile.status.textContent = line;
    tile.item.dataset.state = picture.state;
    tile.open.setAttribute("aria-label", `${picture.name}: ${words}`);
    tile.open.setAttribute("aria-disabled", String(picture.state !== "ready"));
    tile.retry.hidden = !(["failed", "lost"].includes(picture.state) && picture.file && !picture.final);
    tile.bar.hidden = !["uploading", "asked", ...IN_THE_QUEUE].includes(picture.state);
    if (picture.state === "uploading" && picture.progress < 1) tile.bar.value = picture.progress;
    else tile.bar.removeAttribute("value");
    const stale = picture.state === "ready" && tile.shown !== look(picture);
    if (stale && !tile.asked && this.#list.offsetParent) {
      tile.asked = true;
      this.#thumbnails.add(() => this.#thumbnail(picture, tile));
    }
  }

  #remove(picture) {
    this.#tiles.get(picture).item.remove();
    this.#tiles.delete(picture);
  }

  async #preview(picture, tile) {
    const canvas = await preview(picture.file);
    if (canvas && !tile.mat.querySelector("img")) tile.mat.append(canvas);
  }

  async #thumbnail(picture, tile) {
    tile.asked = false;
    if (picture.state !== "ready" || !this.#shelf.has(picture)) return;
    const shown = look(picture);
    try {
      const image = await render(picture, "after", THUMBNAIL_SIDE);
      image.alt = ""; // the button around it has the name
      image.classList.add("appearing");
      image.addEventListener("animationend", () => {
        image.classList.remove("appearing");
        while (image.previousElementSibling?.matches("img, canvas")) image.previousElementSibling.remove();
      });
      tile.mat.append(image);
      tile.shown = shown;
      if (shown !== look(picture)) this.#update(picture);
    } catch (error) {
      if (error instanceof Unreachable) this.#actions.unreachable(() => this.#update(picture));
      else if (error instanceof Problem && error.status === 404) this.#actions.lost(picture);
    }
  }

  #dismiss(picture) {
    const pictures = this.#shelf.pictures;
    const place = pictures.indexOf(picture);
    const neighbour = pictures[place + 1] ?? pictures[place - 1];
    this.#actions.remove(picture);
    if (neighbour) this.focus(neighbour);
  }

  #key(event) {
    const at = [...this.#tiles].find(([, tile]) => tile.open === event.target);
    if (!at || event.altKey || event.ctrlKey || event.metaKey) return;
    const tiles = [...this.#tiles.values()];
    const place = tiles.indexOf(at[1]);
    const columns = tiles.filter(({ item }) => item.offsetTop === tiles[0].item.offsetTop).length;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns };
    const target = { Home: 0, End: tiles.length - 1 }[event.key] ?? place + steps[event.key];
    if (event.key === "Delete") this.#dismiss(at[0]);
    else if (tiles[target]) tiles[target].open.focus();
    else return;
    event.preventDefault();
  }
}
