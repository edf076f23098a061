/** The panel beside the large picture: colour strength, calm or vivid, which network, and how closely it looks. */

import { settled } from "./timing.js";

/** Shorter than the eye notices, longer than from one step of a slider to the next. */
const SECONDS_OF_REST = 0.06;

/** The slider goes from calm to vivid, which is from high temperature to low, in hundredths. */
const vividness = (temperature) => Math.round((1 - temperature) * 100);

const ONE_ANSWER = "This network gives one answer, not several that one could choose between.";

export class Adjust {
  #parts;
  #models;
  #picture = null;
  /** Whether the network gives one answer, between which and others there is nothing to choose. */
  #single = false;
  #disabled = false;

  /**
   * @param {Record<string, HTMLElement>} parts saturation, temperature (with saturationShown, temperatureShown), reset,
   *     all, model, detail
   * @param {import("./models.js").Models} models
   * @param {{change: Function, all: Function, recolor: Function}} actions
   */
  constructor(parts, models, actions) {
    this.#parts = parts;
    this.#models = models;
    const changed = settled(SECONDS_OF_REST, () => this.#picture && actions.change(this.#picture, this.#read()));
    for (const slider of [parts.saturation, parts.temperature]) {
      slider.addEventListener("input", () => {
        slider.dataset.moved = "yes";
        this.#label();
        changed();
      });
    }
    parts.reset.addEventListener("click", () => {
      actions.change(this.#picture, { saturation: null, temperature: null });
      this.show(this.#picture);
    });
    parts.all.addEventListener("click", () => actions.all(this.#picture));
    const recolor = () => actions.recolor(this.#picture, parts.model.value, parts.detail.value === "quick");
    for (const choice of [parts.model, parts.detail]) choice.addEventListener("change", recolor);
  }

  /** Set everything to what holds for a picture. */
  show(picture) {
    this.#picture = picture;
    const { saturation, temperature, model, detail } = this.#parts;
    saturation.value = Math.round((picture.saturation ?? 1) * 100);
    const own = this.#models.temperature(picture.model);
    this.#single = own === null;
    temperature.disabled = this.#disabled || this.#single;
    temperature.title = this.#single ? ONE_ANSWER : "";
    temperature.value = vividness(picture.temperature ?? own ?? 1);
    saturation.dataset.moved = picture.saturation === null ? "" : "yes";
    temperature.dataset.moved = picture.temperature === null ? "" : "yes";
    this.#models.fill(model, picture.model ?? this.#models.preferred);
    detail.value = picture.fast || this.#models.looks(picture.model) === 1 ? "quick" : "fine";
    this.#enable(detail);
    this.#label();
  }

  set disabled(disabled) {
    this.#disabled = disabled;
    for (const name of ["saturation", "temperature", "reset", "all", "model"]) this.#parts[name].disabled = disabled;
    this.#parts.temperature.disabled = disabled || this.#single;
    this.#enable(this.#parts.detail);
  }

  /** A network that looks once has no detail to choose. */
  #enable(detail) {
    detail.disabled = this.#disabled || this.#models.looks(this.#picture?.model) === 1;
  }

  /** What has not been moved is left to the model, which may know it to more digits than a slider has. */
  #read() {
    const { saturation, temperature } = this.#parts;
    return {
      saturation: saturation.dataset.moved ? saturation.value / 100 : null,
      temperature: temperature.dataset.moved && !this.#single ? (100 - temperature.value) / 100 : null,
    };
  }

  #label() {
    const { saturation, saturationShown, temperature, temperatureShown } = this.#parts;
    saturationShown.textContent = `${saturation.value} %`;
    saturation.setAttribute("aria-valuetext", `${saturation.value} %`);
    const degrees = ((100 - temperature.value) / 100).toFixed(2);
    temperatureShown.textContent = this.#single ? "one answer only" : degrees;
    temperature.setAttribute("aria-valuetext", this.#single ? ONE_ANSWER : `temperature ${degrees}`);
  }
}
