/**
 * Before and after, one over the other, with a boundary to move between them.
 *
 * The boundary is a slider to the keyboard and to screen readers; mouse and finger take it anywhere on the picture.
 */

const STEP = 2;
const PAGE = 10;
const STEPS = { ArrowLeft: -STEP, ArrowDown: -STEP, ArrowRight: STEP, ArrowUp: STEP, PageDown: -PAGE, PageUp: PAGE };

export class Compare {
  #box;
  #slider;
  #share = 50;

  /** @param {HTMLElement} box with a `.before`, an `.after` and a `[role=slider]` */
  constructor(box) {
    this.#box = box;
    this.#slider = box.querySelector("[role=slider]");
    this.#slider.addEventListener("keydown", (event) => this.#key(event));
    box.addEventListener("pointerdown", (event) => this.#grip(event));
    box.addEventListener("pointermove", (event) => box.hasPointerCapture(event.pointerId) && this.#drag(event));
    this.share = this.#share;
  }

  get box() {
    return this.#box;
  }

  /** How much of the original is to be seen, in per cent from the left. */
  get share() {
    return this.#share;
  }

  set share(share) {
    this.#share = Math.min(100, Math.max(0, share));
    const rounded = Math.round(this.#share);
    this.#box.style.setProperty("--share", `${this.#share}%`);
    this.#slider.setAttribute("aria-valuenow", String(rounded));
    this.#slider.setAttribute("aria-valuetext", `${rounded} % original, ${100 - rounded} % coloured`);
    this.#box.classList.toggle("no-before", this.#share < 15);
    this.#box.classList.toggle("no-after", this.#share > 85);
  }

  /** Show an image; the one before it stays until this is there, so nothing flickers. */
  show(which, image, alt) {
    image.alt = alt;
    const side = this.#box.querySelector(`.${which}`);
    for (const old of side.querySelectorAll("img")) old.remove();
    side.prepend(image); // pieces of the enlarged picture lie over it
    if (which === "before") this.ratio = image.naturalWidth / image.naturalHeight;
  }

  /** Width by height of the picture; the stage on which it lies may fit itself to that. */
  set ratio(ratio) {
    this.#box.parentElement.style.setProperty("--ratio", String(ratio));
  }

  clear() {
    for (const side of this.#box.querySelectorAll(".before, .after")) side.replaceChildren();
  }

  /** Show nothing but the original, for as long as it is held. */
  set held(held) {
    this.#box.classList.toggle("held", held);
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.key in STEPS) this.share += STEPS[event.key];
    else if (event.key === "Home") this.share = 0;
    else if (event.key === "End") this.share = 100;
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #grip(event) {
    if (event.button !== 0) return;
    this.#box.setPointerCapture(event.pointerId);
    this.#slider.focus({ preventScroll: true, focusVisible: false });
    this.#drag(event);
    event.preventDefault();
  }

  #drag(event) {
    const { left, width } = this.#box.getBoundingClientRect();
    this.share = ((event.clientX - left) / width) * 100;
  }
}
