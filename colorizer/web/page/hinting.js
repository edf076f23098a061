/**
 * Saying colours: places on the large picture, what each is said to be, undo and redo, proposals.
 *
 * What is said lies with the server, as a hints file; each change is sent there, and the picture is rendered anew.
 */

import { hints as askHints, setHints, swatches as askSwatches, variants as askVariants } from "./api.js";
import { variantImage } from "./images.js";
import { Referencing } from "./referencing.js";
import { latest } from "./timing.js";
import { outline, trace } from "./tracing.js";

const CARRY = 0.4;
const PROPOSALS = 4;
const STEP = 0.01;
const MOVES = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
const NOTHING = { carry: CARRY, hints: [], references: [] };
const CALLED = { point: "", stroke: "line, ", region: "area, " };
const KINDS = { guess: "possible here", grey: "grey", present: "as it is now", used: "used already" };

const within = (value) => Math.min(1, Math.max(0, value));
const rounded = (value) => Math.round(value * 1e4) / 1e4;
const kind = ({ points, shape }) => shape ?? (points.length > 1 ? "stroke" : "point");
const per = (value) => `${Math.round(value * 100)} %`;

/** A hint elsewhere, whose first point is at x, y. */
function shifted(hint, x, y) {
  const [[fromX, fromY]] = hint.points;
  const points = hint.points.map(([px, py]) => [rounded(within(px + x - fromX)), rounded(within(py + y - fromY))]);
  return { ...hint, points };
}

/** How a colour in Lab looks that was chosen from a swatch. */
const shownAs = new Map();
const called = ({ color, ab }) => (color === "keep" ? "right as it is" : color ?? shownAs.get(String(ab)) ?? "a colour");

export class Hinting {
  #parts;
  #shelf;
  #actions;
  #picture = null;
  /** What is said of the picture, and what was before and after undoing. */
  #said = NOTHING;
  #past = [];
  #future = [];
  /** Which hint is chosen; one to come, without its colour yet, stands in #pending. */
  #chosen = -1;
  #pending = null;
  #marks;
  #referencing;
  #send = latest(() => this.#store());
  #ask = latest(() => this.#suggest());

  /**
   * @param {Record<string, HTMLElement>} parts box, mode, tools, swatches, keep, grey, color, remove, carry, carryShown,
   *     undo, redo, list, place, propose, proposals, remarks, shapes, referenceAdd, referenceFile, references
   * @param {import("./shelf.js").Shelf} shelf
   * @param {{tell: (error: Error) => void, say: (words: string) => void, trying: (said: object|null) => void}} actions
   *     trying shows what is not said yet
   */
  constructor(parts, shelf, actions) {
    this.#parts = parts;
    this.#shelf = shelf;
    this.#actions = actions;
    this.#marks = document.createElement("div");
    this.#marks.className = "marks";
    parts.box.append(this.#marks);
    parts.mode.addEventListener("click", () => this.#turn(!this.on));
    parts.keep.addEventListener("click", () => this.#paint({ color: "keep" }));
    parts.grey.addEventListener("click", () => this.#paint({ color: "grey" }));
    parts.color.addEventListener("input", () => this.#try(this.#painted({ color: parts.color.value })));
    parts.color.addEventListener("change", () => this.#paint({ color: parts.color.value }));
    parts.remove.addEventListener("click", () => this.#remove());
    parts.undo.addEventListener("click", () => this.#step(this.#past, this.#future));
    parts.redo.addEventListener("click", () => this.#step(this.#future, this.#past));
    parts.place.addEventListener("click", () => this.#begin(0.5, 0.5));
    parts.propose.addEventListener("click", () => this.#propose());
    parts.carry.addEventListener("input", () => {
      this.#labelCarry();
      this.#try({ ...this.#said, carry: parts.carry.value / 100 });
    });
    parts.carry.addEventListener("change", () => this.#commit({ ...this.#said, carry: parts.carry.value / 100 }));
    parts.box.addEventListener("pointerdown", (event) => this.#pointed(event), true);
    addEventListener("keydown", (event) => this.#key(event));
    this.#referencing = new Referencing(parts, {
      picture: () => this.#picture,
      said: () => this.#said,
      commit: (said) => this.#commit(said),
      tell: actions.tell,
    });
  }

  get on() {
    return this.#parts.mode.getAttribute("aria-pressed") === "true";
  }

  /** Begin with a picture; what was said of it before comes from the server. */
  async show(picture) {
    if (picture === this.#picture) return;
    this.#picture = picture;
    this.#said = NOTHING;
    this.#past = [];
    this.#future = [];
    this.#choose(-1);
    this.#parts.proposals.replaceChildren();
    this.#parts.remarks.textContent = "";
    if (picture.state !== "ready" || !picture.hints) return;
    try {
      const found = await askHints(picture.id);
      if (picture !== this.#picture) return;
      this.#said = { carry: found.carry ?? CARRY, hints: found.hints, references: found.references ?? [] };
      this.#draw();
    } catch (error) {
      this.#actions.tell(error);
    }
  }

  #turn(on) {
    this.#parts.mode.setAttribute("aria-pressed", String(on));
    this.#parts.tools.hidden = !on;
    this.#parts.box.classList.toggle("hinting", on);
    if (on) this.#parts.box.scrollIntoView({ block: "nearest" }); // on a phone it lies above the tools
    this.#choose(-1);
  }

  // --- changes

  /** Change what is said, to be undone later. */
  #commit(said) {
    this.#past.push(this.#said);
    this.#future = [];
    this.#set(said);
  }

  #set(said) {
    this.#said = said;
    if (this.#chosen >= said.hints.length) this.#chosen = -1;
    this.#draw();
    this.#actions.trying(null);
    this.#send();
  }

  /** Show what is not said yet, as while something is dragged. */
  #try(said) {
    if (said && this.#picture?.state === "ready") this.#actions.trying({ version: 1, ...said });
  }

  #step(from, to) {
    if (!from.length) return;
    to.push(this.#said);
    this.#pending = null;
    this.#set(from.pop());
  }

  async #store() {
    const [picture, said] = [this.#picture, this.#said];
    if (!picture?.id) return;
    try {
      const { remarks } = await setHints(picture.id, { version: 1, ...said });
      if (picture !== this.#picture) return;
      this.#parts.remarks.textContent = remarks.join(" ");
      this.#shelf.change(picture, { hints: said.hints.length, said: JSON.stringify(said) });
    } catch (error) {
      this.#actions.tell(error);
    }
  }

  /** The chosen hint gets a colour, or the place to come becomes one. */
  #paint(color) {
    const said = this.#painted(color);
    if (!said) return;
    if (this.#pending) this.#chosen = said.hints.length - 1;
    this.#pending = null;
    this.#actions.say(`Hint: ${called(color)}.`);
    this.#commit(said);
  }

  /** What would be said then; null where no place is chosen. */
  #painted(color) {
    const hints = [...this.#said.hints];
    if (this.#pending) hints.push({ ...this.#pending, ...color });
    else if (this.#chosen >= 0) {
      const { color: _, ab: __, ...rest } = hints[this.#chosen];
      hints[this.#chosen] = { ...rest, ...color };
    } else return null;
    return { ...this.#said, hints };
  }

  #remove() {
    if (this.#pending) this.#choose(-1);
    if (this.#chosen < 0) return;
    const hints = this.#said.hints.filter((_, at) => at !== this.#chosen);
    this.#chosen = -1;
    this.#commit({ ...this.#said, hints });
    this.#ask();
  }

  #moved(at, x, y) {
    const hints = [...this.#said.hints];
    hints[at] = shifted(hints[at], x, y);
    return { ...this.#said, hints };
  }

  // --- places

  #begin(x, y) {
    this.#choose(-1);
    this.#pending = { points: [[rounded(within(x)), rounded(within(y))]] };
    this.#draw();
    this.#ask();
  }

  get #shape() {
    return this.#parts.shapes.querySelector(":checked").value;
  }

  /** A line, or an area, as the pointer goes; one that goes nowhere is a point. */
  #trace(event, shape) {
    const from = this.#where(event);
    this.#choose(-1);
    const fewest = shape === "region" ? 3 : 2;
    trace(this.#parts.box, event.pointerId, (each) => this.#where(each), from, (found, done) => {
      const points = found.map(([x, y]) => [rounded(x), rounded(y)]);
      this.#pending = points.length < fewest ? { points: points.slice(0, 1) } : { points, shape };
      this.#draw();
      if (done) this.#ask();
    });
  }

  #choose(at) {
    this.#chosen = at;
    this.#pending = null;
    this.#draw();
    this.#ask();
  }

  #where(event) {
    const { left, top, width, height } = this.#marks.getBoundingClientRect(); // which lie where the picture does, also when it is enlarged
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
  }

  #pointed(event) {
    if (!this.on || event.button !== 0 || this.#picture?.state !== "ready") return;
    event.stopImmediatePropagation();
    event.preventDefault();
    const mark = event.target.closest?.(".hint-mark");
    if (!mark?.dataset.at) {
      const shape = event.shiftKey && this.#shape === "point" ? "stroke" : this.#shape;
      if (shape === "point") this.#begin(...this.#where(event));
      else this.#trace(event, shape);
      return;
    }
    const at = Number(mark.dataset.at);
    this.#choose(at);
    this.#drag(event.pointerId, at);
  }

  /** A hint follows the pointer; all of the way is one step for undo. */
  #drag(pointer, at) {
    const before = this.#said;
    const { box } = this.#parts;
    box.setPointerCapture(pointer);
    const move = (event) => {
      if (event.pointerId !== pointer) return;
      this.#said = this.#moved(at, ...this.#where(event));
      this.#draw();
      this.#try(this.#said);
    };
    const end = (event) => {
      if (event.pointerId !== pointer) return;
      for (const type of ["pointerup", "pointercancel"]) box.removeEventListener(type, end);
      box.removeEventListener("pointermove", move);
      if (this.#said === before) return;
      this.#past.push(before);
      this.#future = [];
      this.#set(this.#said);
      this.#ask();
    };
    box.addEventListener("pointermove", move);
    for (const type of ["pointerup", "pointercancel"]) box.addEventListener(type, end);
  }

  #key(event) {
    if (!this.on || !this.#picture || this.#parts.tools.closest("[hidden]")) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && event.key.toLowerCase() === "z") {
      event.preventDefault();
      if (event.shiftKey) this.#step(this.#future, this.#past);
      else this.#step(this.#past, this.#future);
    }
  }

  #markKey(event) {
    const chosen = this.#chosen;
    if (event.key in MOVES) {
      const [dx, dy] = MOVES[event.key];
      if (this.#pending) {
        const [[x, y]] = this.#pending.points;
        this.#pending = shifted(this.#pending, x + dx, y + dy);
        this.#draw();
        this.#ask();
      }
      else if (chosen >= 0) {
        const [[x, y]] = this.#said.hints[chosen].points;
        this.#commit(this.#moved(chosen, x + dx, y + dy));
      }
    } else if (event.key === "Delete" || event.key === "Backspace") this.#remove();
    else if (event.key === "k") this.#paint({ color: "keep" });
    else if (event.key === "g") this.#paint({ color: "grey" });
    else return;
    event.preventDefault();
    event.stopPropagation();
    this.#marks.querySelector(".chosen")?.focus();
  }

  // --- what is seen

  #draw() {
    const { list, undo, redo, carry, remove, keep, grey, color } = this.#parts;
    const marks = this.#said.hints.map((hint, at) => this.#mark(hint, at));
    if (this.#pending) marks.push(this.#mark({ ...this.#pending, color: "" }, -1));
    this.#marks.replaceChildren(outline([...this.#said.hints, ...(this.#pending ? [this.#pending] : [])]), ...marks);
    this.#referencing.draw();
    list.replaceChildren(...this.#said.hints.map((hint, at) => this.#item(hint, at)));
    undo.disabled = !this.#past.length;
    redo.disabled = !this.#future.length;
    const none = this.#chosen < 0 && !this.#pending;
    for (const button of [remove, keep, grey, color]) button.disabled = none;
    const its = this.#said.hints[this.#chosen]?.color;
    if (its?.startsWith("#") && document.activeElement !== color) color.value = its;
    carry.value = Math.round(this.#said.carry * 100);
    this.#labelCarry();
  }

  #labelCarry() {
    const { carry, carryShown } = this.#parts;
    carryShown.textContent = `${carry.value} %`;
  }

  #mark(hint, at) {
    const mark = document.createElement("button");
    mark.type = "button";
    mark.className = "hint-mark";
    const chosen = at === this.#chosen && (at >= 0 || this.#pending);
    mark.classList.toggle("chosen", Boolean(chosen));
    const [[x, y]] = hint.points;
    mark.style.left = `${x * 100}%`;
    mark.style.top = `${y * 100}%`;
    const color = hint.color ?? shownAs.get(String(hint.ab));
    if (color?.startsWith("#")) mark.style.backgroundColor = color;
    if (at >= 0) mark.dataset.at = String(at);
    const what = at < 0 ? "Place without a colour yet" : `Hint ${at + 1}, ${called(hint)}`;
    mark.setAttribute("aria-label", `${what}, at ${per(x)} from the left, ${per(y)} from the top`);
    mark.addEventListener("focus", () => at >= 0 && at !== this.#chosen && this.#choose(at));
    mark.addEventListener("keydown", (event) => this.#markKey(event));
    return mark;
  }

  #item(hint, at) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.setAttribute("aria-pressed", String(at === this.#chosen));
    const [[x, y]] = hint.points;
    button.textContent = `${CALLED[kind(hint)]}${called(hint)} (${per(x)}, ${per(y)})`;
    button.addEventListener("click", () => this.#choose(at));
    item.append(button);
    return item;
  }

  async #suggest() {
    const { swatches } = this.#parts;
    const { points } = this.#pending ?? this.#said.hints[this.#chosen] ?? {};
    const place = points?.[Math.floor(points.length / 2)];
    const picture = this.#picture;
    if (!place || picture?.state !== "ready") {
      swatches.replaceChildren();
      return;
    }
    const { saturation, temperature } = picture;
    try {
      const found = await askSwatches(picture.id, { x: place[0], y: place[1], saturation, temperature });
      if (picture === this.#picture) swatches.replaceChildren(...found.swatches.map((each) => this.#swatch(each)));
    } catch (error) {
      this.#actions.tell(error);
    }
  }

  #swatch({ color, ab, kind }) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "swatch";
    shownAs.set(String(ab), color);
    button.style.backgroundColor = color;
    button.dataset.kind = kind;
    button.title = `${color}, ${KINDS[kind]}`;
    button.setAttribute("aria-label", button.title);
    button.addEventListener("click", () => this.#paint(kind === "grey" ? { color: "grey" } : { ab }));
    return button;
  }

  async #propose() {
    const { propose, proposals } = this.#parts;
    const picture = this.#picture;
    if (picture?.state !== "ready") return;
    propose.disabled = true;
    try {
      const { saturation, temperature } = picture;
      const { variants } = await askVariants(picture.id, { count: PROPOSALS, saturation, temperature });
      const images = await Promise.all(variants.map((_, at) => variantImage(picture, at + 1)));
      if (picture !== this.#picture) return;
      proposals.replaceChildren(
        ...variants.map(({ hints }, at) => {
          const button = document.createElement("button");
          button.type = "button";
          button.className = "proposal";
          images[at].alt = `Proposal ${at + 1}`;
          button.append(images[at]);
          button.addEventListener("click", () => this.#commit({ ...this.#said, hints }));
          return button;
        }),
      );
      if (!variants.length) this.#parts.remarks.textContent = "The network sees no two ways to colour it.";
    } catch (error) {
      this.#actions.tell(error);
    } finally {
      propose.disabled = false;
    }
  }
}
