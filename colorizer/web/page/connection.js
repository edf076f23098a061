/** Whether `colorize serve` still runs: says so when it does not, and goes on by itself when it does again. */

import { Problem, health } from "./api.js";
import { pause } from "./timing.js";

const SECONDS_BETWEEN_TRIES = 2;

export class Connection extends EventTarget {
  #returning = null;

  /**
   * Called by whoever got no answer; settles when the server answers.
   *
   * @returns {Promise<boolean>} whether it was gone, and not only that one connection
   */
  restored() {
    this.#returning ??= this.#knock().finally(() => {
      this.#returning = null;
    });
    return this.#returning;
  }

  async #knock() {
    let gone = false;
    for (;;) {
      try {
        await health();
        break;
      } catch (error) {
        if (error instanceof Problem) break; // it refuses, but it is there
        if (!gone) this.dispatchEvent(new Event("lost"));
        gone = true;
        await pause(SECONDS_BETWEEN_TRIES);
      }
    }
    if (gone) this.dispatchEvent(new Event("back"));
    return gone;
  }
}
