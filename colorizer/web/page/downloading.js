/** Networks that are downloaded by a click: started, and watched until none is under way. */

import { downloadModel, models as askModels } from "./api.js";
import { pause } from "./timing.js";

const SECONDS_BETWEEN = 1;

export class Downloading {
  #models;
  #actions;
  #watching = false;

  /**
   * @param {import("./models.js").Models} models
   * @param {{progressed: () => void, arrived: () => void, say: (words: string) => void}} actions
   */
  constructor(models, actions) {
    this.#models = models;
    this.#actions = actions;
  }

  /** Begin to download a network. */
  start = async (name) => {
    try {
      await downloadModel(name);
    } catch (error) {
      this.#actions.say(error.message);
      return;
    }
    await this.watch();
  };

  /** Show how far downloads are, as long as one is under way. */
  async watch() {
    if (this.#watching) return;
    this.#watching = true;
    try {
      for (let before = 0; ; before = this.#models.downloading) {
        this.#models.set(await askModels());
        this.#actions.progressed();
        if (this.#models.downloading < before || !this.#models.downloading) this.#actions.arrived();
        if (!this.#models.downloading) break;
        await pause(SECONDS_BETWEEN);
      }
    } catch {
      // that there is no connection is said elsewhere; what has arrived is kept
    } finally {
      this.#watching = false;
    }
  }
}
