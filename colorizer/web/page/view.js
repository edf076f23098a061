/** One picture, large: before and after, its panel, and the way to its neighbours. */

import { Problem, Unreachable } from "./api.js";
import { look, render, triedImage } from "./images.js";
import { latest } from "./timing.js";
import { formatName, status } from "./words.js";

/** Renderings are asked for in these sizes, so that a window pulled larger asks anew only now and then. */
const SIDES = [800, 1200, 1600, 2048];

/** What is shown while a hint is dragged has the largest of these sizes at which it keeps up with the hand. */
const TRIED_SIDES = [480, 640, 800, 1024];
const [QUICK, SLOW] = [55, 95]; // milliseconds until a trial is seen: room for a larger one, a smaller one is due

export class View {
  #parts;
  #shelf;
  #compare;
  #zoom;
  #adjust;
  #hinting;
  #actions;
  #picture = null;
  #before = "";
  #after = "";
  #draw = latest(() => this.#render());
  #tried = null;
  #triedSize = TRIED_SIDES.length - 2;
  #trial = latest(() => this.#showTried());

  /**
   * @param {Record<string, HTMLElement>} parts name, place, facts, note, previous, next, hold, stage, save
   * @param {import("./shelf.js").Shelf} shelf
   * @param {import("./compare.js").Compare} compare
   * @param {import("./zoom.js").Zoom} zoom
   * @param {import("./adjust.js").Adjust} adjust
   * @param {import("./hinting.js").Hinting} hinting
   * @param {{close: Function, lost: Function, unreachable: Function, moved: Function}} actions
   */
  constructor(parts, shelf, compare, zoom, adjust, hinting, actions) {
    this.#parts = parts;
    this.#shelf = shelf;
    this.#compare = compare;
    this.#zoom = zoom;
    this.#adjust = adjust;
    this.#hinting = hinting;
    this.#actions = actions;
    for (const type of ["add", "change", "remove"]) shelf.addEventListener(type, ({ detail }) => this.#changed(detail));
    parts.previous.addEventListener("click", () => this.step(-1));
    parts.next.addEventListener("click", () => this.step(1));
    new ResizeObserver(() => this.#picture && this.#draw()).observe(parts.stage);
    this.#holding(parts.hold);
  }

  get picture() {
    return this.#picture;
  }

  open(picture) {
    this.#picture = picture;
    this.#before = this.#after = "";
    this.#compare.clear();
    if (picture.width) this.#compare.ratio = picture.width / picture.height;
    this.#adjust.show(picture);
    this.#hinting.show(picture);
    this.#tell();
    queueMicrotask(() => {
      this.#zoom.open(picture);
      this.#draw();
    }); // when the view is shown, and has the size to draw for
  }

  /** Show what hints would do that are not kept, as while one is dragged; null: no longer. */
  trying(said) {
    this.#tried = said;
    if (said) this.#trial();
  }

  async #showTried() {
    const [picture, said] = [this.#picture, this.#tried];
    if (picture?.state !== "ready" || !said) return;
    const begun = performance.now();
    try {
      const image = await triedImage(picture, said, Math.min(this.#side(), TRIED_SIDES[this.#triedSize]));
      const took = performance.now() - begun;
      const step = took > SLOW ? -1 : took < QUICK ? 1 : 0;
      this.#triedSize = Math.min(TRIED_SIDES.length - 1, Math.max(0, this.#triedSize + step));
      if (picture !== this.#picture || !this.#tried) return;
      this.#compare.show("after", image, `${picture.name}, coloured`);
      this.#zoom.aside("after");
      this.#after = "";
    } catch (error) {
      this.failed(error, picture);
    }
  }

  close() {
    this.#picture = null;
    this.#tried = null;
    this.#zoom.close();
    this.#compare.clear();
  }

  /** Go to the next (1) or the previous (-1) picture that is ready. */
  step(by) {
    const neighbour = this.#neighbour(by);
    if (!neighbour) return;
    this.open(neighbour);
    this.#actions.moved(neighbour);
  }

  #neighbour(by) {
    const pictures = this.#shelf.pictures;
    for (let at = pictures.indexOf(this.#picture) + by; pictures[at]; at += by) {
      if (pictures[at].state === "ready") return pictures[at];
    }
    return null;
  }

  #changed({ picture }) {
    if (!this.#picture) return;
    if (!this.#shelf.has(this.#picture)) this.#actions.close();
    else {
      this.#tell();
      if (picture === this.#picture) this.#draw();
    }
  }

  #tell() {
    const { name, place, facts, note, previous, next, save, stage } = this.#parts;
    const picture = this.#picture;
    const ready = picture.state === "ready";
    const pictures = this.#shelf.pictures;
    name.textContent = picture.name;
    place.textContent = pictures.length > 1 ? `${pictures.indexOf(picture) + 1} of ${pictures.length}` : "";
    const parts = [
      picture.width && `${picture.width} × ${picture.height} pixels`,
      picture.depth > 8 && `${picture.depth} bits`,
      picture.format && formatName(picture.format),
    ];
    facts.textContent = `${parts.filter(Boolean).join(", ")}.`;
    note.hidden = ready;
    note.textContent = ready ? "" : picture.state === "working" ? "Colouring…" : status(picture);
    stage.setAttribute("aria-busy", String(!ready && !picture.problem));
    previous.disabled = !this.#neighbour(-1);
    next.disabled = !this.#neighbour(1);
    save.disabled = this.#adjust.disabled = !ready;
  }

  async #render() {
    const picture = this.#picture;
    if (picture?.state !== "ready") return;
    const side = this.#side();
    const before = [picture.id, side].join(" ");
    const after = [look(picture), side].join(" ");
    const jobs = [];
    if (before !== this.#before) jobs.push(["before", `${picture.name}, original`]);
    if (after !== this.#after) jobs.push(["after", `${picture.name}, coloured`]);
    try {
      const images = await Promise.all(jobs.map(([which]) => render(picture, which, side)));
      if (picture !== this.#picture) return;
      images.forEach((image, at) => {
        this.#compare.show(jobs[at][0], image, jobs[at][1]);
        this.#zoom.changed(jobs[at][0]);
      });
      this.#before = before;
      this.#after = after;
    } catch (error) {
      this.failed(error, picture);
    }
  }

  /** What was to be seen of a picture could not be fetched. */
  failed(error, picture) {
    if (error instanceof Unreachable) {
      this.#actions.unreachable(() => {
        this.#draw();
        this.#zoom.changed("before");
        this.#zoom.changed("after");
      });
    } else if (error instanceof Problem && error.status === 404) this.#actions.lost(picture);
    else if (picture === this.#picture) {
      this.#parts.note.hidden = false;
      this.#parts.note.textContent = error.message;
    }
  }

  #side() {
    const { clientWidth, clientHeight } = this.#parts.stage;
    const wanted = Math.max(clientWidth, clientHeight) * window.devicePixelRatio;
    return SIDES.find((side) => side >= wanted) ?? SIDES.at(-1);
  }

  /** A button that acts for as long as it is down, by pointer or by keyboard. */
  #holding(button) {
    const set = (held) => {
      this.#compare.held = held;
      button.setAttribute("aria-pressed", String(held));
    };
    const pressed = (event) => [" ", "Enter"].includes(event.key);
    button.addEventListener("pointerdown", (event) => {
      button.setPointerCapture(event.pointerId);
      set(true);
    });
    for (const type of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) {
      button.addEventListener(type, () => set(false));
    }
    button.addEventListener("keydown", (event) => {
      if (!pressed(event)) return;
      set(true);
      event.preventDefault();
    });
    button.addEventListener("keyup", (event) => pressed(event) && set(false));
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  }
}
