/** What screen readers are told: progress when there is a pause, errors at once. */

import { settled } from "./timing.js";
import { summary } from "./words.js";

/** Many pictures may become ready within a second; one sentence is enough for them. */
const SECONDS_OF_GATHERING = 0.6;

export class Speech {
  #polite;
  #assertive;

  /** @param {HTMLElement} polite @param {HTMLElement} assertive live regions */
  constructor(polite, assertive, shelf) {
    this.#polite = polite;
    this.#assertive = assertive;
    let ready = [];
    const tell = settled(SECONDS_OF_GATHERING, () => {
      const few = ready.length === 1 ? `${ready[0]} is ready. ` : "";
      ready = [];
      this.say(`${few}${summary(shelf.pictures)}.`);
    });
    shelf.addEventListener("change", ({ detail: { picture, was } }) => {
      if (picture.state === was) return;
      if (picture.state === "ready") {
        ready.push(picture.name);
        tell();
      }
      if (picture.state === "failed" || picture.state === "lost") this.alarm(`${picture.name}: ${picture.problem}`);
    });
  }

  say(words) {
    this.#polite.textContent = words;
  }

  alarm(words) {
    const line = document.createElement("p");
    line.textContent = words;
    this.#assertive.append(line);
    while (this.#assertive.childElementCount > 5) this.#assertive.firstElementChild.remove();
  }
}
