/**
 * Looking closely: the picture larger than its place, down to its own pixels and beyond.
 *
 * At first the whole picture is shown. Enlarged, it fills the stage; pieces of it at the right size are fetched as they
 * come into sight and laid over the small rendering, before and after alike. At 100 % a pixel of the picture is a pixel of
 * the screen, and everything lies on whole ones, so that nothing is smoothed.
 */

import { tile } from "./api.js";
import { Lanes } from "./timing.js";

const TILE = 512;
const MOST = 8; // pixels of the screen to one of the picture
const STOPS = [1 / 16, 1 / 8, 1 / 4, 1 / 2, 1, 2, 4, MOST];
const FETCHED_AT_A_TIME = 4;
const KEPT = 96; // pieces of each side
const SIDES = ["before", "after"];
const WHEEL = 0.002; // of a notch, in the exponent
const PINCH = 0.01; // of a trackpad, which browsers tell of as a wheel with Ctrl
const LINE = 16;
const DOUBLE = 500; // milliseconds in which two clicks are one double click

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

export class Zoom {
  #stage;
  #box;
  #compare;
  #parts;
  #failed;
  #picture = null;
  #scale = null; // pixels of CSS to one of the picture; null: the whole picture
  #left = 0;
  #top = 0;
  #pieces = { before: new Map(), after: new Map() };
  #lanes = new Lanes(FETCHED_AT_A_TIME);
  #pointers = new Map();
  #shares = [];

  /**
   * @param {HTMLElement} stage on which the picture lies
   * @param {import("./compare.js").Compare} compare
   * @param {Record<string, HTMLElement>} parts closer, away, whole, pixels: buttons; shown: where per cent are told
   * @param {(error: Error, picture: object) => void} failed
   */
  constructor(stage, compare, parts, failed) {
    this.#stage = stage;
    this.#box = compare.box;
    this.#compare = compare;
    this.#parts = parts;
    this.#failed = failed;
    parts.closer.addEventListener("click", () => this.step(1));
    parts.away.addEventListener("click", () => this.step(-1));
    parts.whole.addEventListener("click", () => this.whole());
    parts.pixels.addEventListener("click", () => this.own());
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    this.#box.addEventListener("dblclick", (event) => this.#double(event));
    const listening = { pointerdown: this.#down, pointermove: this.#move, pointerup: this.#up, pointercancel: this.#up };
    for (const [type, listener] of Object.entries(listening)) {
      this.#box.addEventListener(type, (event) => listener.call(this, event), { capture: true });
    }
    // two fingers are ours alone: taken for a scroll as well, it would coast on and swallow the tap that follows
    const alone = (event) => event.touches.length > 1 && event.cancelable && event.preventDefault();
    for (const type of ["touchstart", "touchmove"]) this.#box.addEventListener(type, alone, { passive: false });
    new ResizeObserver(() => this.#picture && this.#to(this.#scale)).observe(stage);
  }

  get enlarged() {
    return this.#scale !== null;
  }

  /** Begin with a picture, seen whole. */
  open(picture) {
    this.#picture = picture;
    this.#forget(...SIDES);
    this.whole();
  }

  close() {
    this.#picture = null;
    this.#forget(...SIDES);
    this.whole();
  }

  /** A side has another rendering: its pieces are of the one before. */
  changed(side) {
    this.#forget(side);
    this.#lay();
  }

  /** What is seen of a side is about to change: its pieces are out of the way until it has. */
  aside(side) {
    this.#forget(side);
  }

  whole() {
    this.#to(null);
  }

  /** 100 %: the picture's own pixels, about a place on the stage or its middle. */
  own(x, y) {
    this.#to(1 / devicePixelRatio, x, y);
  }

  /** To the next stop closer (1) or further away (-1). */
  step(by) {
    if (!this.#picture?.width) return;
    const now = (this.#scale ?? this.#fit) * devicePixelRatio;
    const stops = by > 0 ? STOPS : [...STOPS].reverse();
    const next = stops.find((stop) => by * (stop - now) > now * 0.01);
    if (next) this.#to(next / devicePixelRatio);
    else if (by < 0) this.whole();
  }

  /** Move about, by shares of the stage. */
  pan(x, y) {
    this.#left -= x * this.#stage.clientWidth;
    this.#top -= y * this.#stage.clientHeight;
    this.#lay();
  }

  get #fit() {
    const { width, height } = this.#picture;
    return Math.min(this.#stage.clientWidth / width, this.#stage.clientHeight / height);
  }

  /** Take a scale; what is seen at x, y of the stage stays there. */
  #to(scale, x = this.#stage.clientWidth / 2, y = this.#stage.clientHeight / 2) {
    const known = this.#picture?.width > 0;
    if (!known || scale === null || scale <= this.#fit * 1.001) this.#scale = null;
    else {
      const most = Math.max(MOST / devicePixelRatio, this.#fit);
      const wanted = Math.min(scale, most);
      const { left, top, scale: now } = this.#place;
      this.#left = x - ((x - left) * wanted) / now;
      this.#top = y - ((y - top) * wanted) / now;
      this.#scale = wanted > this.#fit * 1.001 ? wanted : null;
    }
    this.#box.classList.toggle("enlarged", this.enlarged);
    this.#lay();
    this.#tell();
  }

  /** Where the picture's upper left corner lies on the stage, and how large a pixel of it is. */
  get #place() {
    if (this.enlarged) return { left: this.#left, top: this.#top, scale: this.#scale };
    const { width, height } = this.#picture;
    const scale = this.#fit;
    const { clientWidth, clientHeight } = this.#stage;
    return { left: (clientWidth - width * scale) / 2, top: (clientHeight - height * scale) / 2, scale };
  }

  #tell() {
    const { closer, away, whole, pixels, shown } = this.#parts;
    const known = this.#picture?.width > 0;
    const now = known ? this.#place.scale * devicePixelRatio : 0;
    shown.textContent = known ? `${Math.round(now * 100)} %` : "";
    away.disabled = whole.disabled = !this.enlarged;
    closer.disabled = !known || now >= MOST * 0.99;
    pixels.disabled = !known || (this.enlarged && Math.abs(now - 1) < 0.001) || this.#fit * devicePixelRatio > 1.001;
  }

  // --- laying out

  #lay() {
    const images = this.#box.querySelectorAll(".before > img, .after > img, .marks");
    if (!this.enlarged) {
      for (const image of images) image.removeAttribute("style");
      this.#forget(...SIDES);
      return;
    }
    const { width, height } = this.#picture;
    const { clientWidth, clientHeight } = this.#stage;
    const within = (at, length, room) => (length <= room ? (room - length) / 2 : clamp(at, room - length, 0));
    this.#left = within(this.#left, width * this.#scale, clientWidth);
    this.#top = within(this.#top, height * this.#scale, clientHeight);
    for (const image of images) this.#put(image, 0, 0, width, height);
    const level = Math.max(0, Math.floor(Math.log2(1 / (this.#scale * devicePixelRatio)) + 0.001));
    const side = TILE * 2 ** level;
    const first = (at) => Math.max(0, Math.floor(-at / this.#scale / side));
    const last = (at, room, length) => Math.min(Math.ceil(length / side), Math.ceil((room - at) / this.#scale / side));
    const wanted = [];
    for (let row = first(this.#top); row < last(this.#top, clientHeight, height); row += 1) {
      for (let column = first(this.#left); column < last(this.#left, clientWidth, width); column += 1) {
        wanted.push({ level, column, row });
      }
    }
    for (const which of SIDES) this.#show(which, wanted);
  }

  /** Put an element where a part of the picture is, with its edges between pixels of the screen. */
  #put(element, x, y, width, height) {
    const edge = (at, from) => Math.round((at * this.#scale + from) * devicePixelRatio) / devicePixelRatio;
    const left = edge(x, this.#left);
    const top = edge(y, this.#top);
    element.style.left = `${left}px`;
    element.style.top = `${top}px`;
    element.style.width = `${edge(x + width, this.#left) - left}px`;
    element.style.height = `${edge(y + height, this.#top) - top}px`;
    element.style.imageRendering = this.#scale * devicePixelRatio >= 2 ? "pixelated" : "auto";
  }

  #show(which, wanted) {
    const pieces = this.#pieces[which];
    const named = new Map(wanted.map((place) => [Object.values(place).join(" "), place]));
    for (const [name, piece] of pieces) {
      const seen = named.has(name);
      if (piece.canvas) {
        piece.canvas.hidden = !seen;
        if (seen) this.#lift(piece);
      } else if (!seen) pieces.delete(name); // not fetched yet, and not to be
    }
    for (const [name, place] of named) {
      if (pieces.has(name)) continue;
      const piece = { ...place, name, canvas: null };
      pieces.set(name, piece);
      this.#lanes.add(() => this.#fetch(which, piece));
    }
    for (const [name, piece] of pieces) {
      if (pieces.size <= KEPT) break;
      if (named.has(name)) continue;
      piece.canvas.remove();
      pieces.delete(name);
    }
  }

  #lift({ canvas, level, column, row }) {
    const side = TILE * 2 ** level;
    const { width, height } = this.#picture;
    const [x, y] = [column * side, row * side];
    this.#put(canvas, x, y, Math.min(side, width - x), Math.min(side, height - y));
  }

  async #fetch(which, piece) {
    const picture = this.#picture;
    const pieces = this.#pieces[which];
    const stale = () => picture !== this.#picture || pieces.get(piece.name) !== piece;
    if (stale()) return;
    try {
      const { saturation, temperature } = picture;
      const { level, column, row } = piece;
      const chroma = which === "after" ? { saturation, temperature } : {};
      const bitmap = await createImageBitmap(await tile(picture.id, which, { level, column, row, ...chroma }));
      if (stale()) return;
      const canvas = document.createElement("canvas");
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      bitmap.close();
      piece.canvas = canvas;
      this.#lift(piece);
      this.#box.querySelector(`.${which}`).append(canvas);
    } catch (error) {
      if (stale()) return;
      pieces.delete(piece.name);
      this.#failed(error, picture);
    }
  }

  #forget(...sides) {
    for (const side of sides) {
      for (const { canvas } of this.#pieces[side].values()) canvas?.remove();
      this.#pieces[side].clear();
    }
  }

  // --- wheel, fingers, double click

  #at(event) {
    const { left, top } = this.#stage.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  }

  #wheel(event) {
    if (!this.#picture?.width) return;
    event.preventDefault();
    const way = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE : 1);
    const scale = this.#place.scale * Math.exp(-way * (event.ctrlKey ? PINCH : WHEEL));
    this.#to(scale, ...this.#at(event));
  }

  #double(event) {
    if (!this.#picture?.width || event.target.closest(".divider")) return;
    if (this.#box.classList.contains("hinting")) return; // a click says a place there
    if (this.enlarged) this.whole();
    else {
      this.#compare.share = this.#shares[0]?.share ?? this.#compare.share; // as if the clicks had not moved it
      const smaller = this.#fit * devicePixelRatio < 0.9;
      this.#to(smaller ? 1 / devicePixelRatio : this.#fit * 2, ...this.#at(event));
    }
  }

  #down(event) {
    if (event.button !== 0 || !this.#picture?.width) return;
    this.#shares = this.#shares.filter(({ time }) => event.timeStamp - time < DOUBLE);
    this.#shares.push({ time: event.timeStamp, share: this.#compare.share });
    const onBoundary = event.target.closest(".divider");
    if (this.#pointers.size === 0 && (!this.enlarged || onBoundary)) {
      this.#pointers.set(event.pointerId, { at: this.#at(event), moves: false });
      return; // the boundary's, as long as no second finger comes
    }
    for (const pointer of this.#pointers.values()) pointer.moves = true;
    this.#pointers.set(event.pointerId, { at: this.#at(event), moves: true });
    this.#box.setPointerCapture(event.pointerId);
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #move(event) {
    const pointer = this.#pointers.get(event.pointerId);
    if (!pointer?.moves) {
      if (pointer) pointer.at = this.#at(event);
      return;
    }
    event.stopImmediatePropagation();
    const spread = () => {
      const [[x, y], other] = [...this.#pointers.values()].map(({ at }) => at);
      if (!other) return { x, y, apart: 1 };
      return { x: (x + other[0]) / 2, y: (y + other[1]) / 2, apart: Math.hypot(x - other[0], y - other[1]) || 1 };
    };
    const before = spread();
    pointer.at = this.#at(event);
    const now = spread();
    if (this.enlarged) {
      this.#left += now.x - before.x;
      this.#top += now.y - before.y;
    }
    if (this.#pointers.size > 1) this.#to((this.#place.scale * now.apart) / before.apart, now.x, now.y);
    else this.#lay();
  }

  #up(event) {
    this.#pointers.delete(event.pointerId);
  }
}
