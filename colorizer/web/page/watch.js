/** Follows pictures in the server's queue until they are coloured, by requests that answer when something happens. */

import { Problem, Unreachable, picture as ask } from "./api.js";
import { IN_THE_QUEUE, known } from "./shelf.js";
import { pause } from "./timing.js";

/** The queue is worked off in order, so the foremost few are those that something happens to. */
const WATCHED_AT_A_TIME = 2;
const SECONDS_OF_WAITING = 5;
const SECONDS_BETWEEN_QUESTIONS = 0.5;

export class Watch {
  #shelf;
  #connection;
  #transfer;
  #watched = new Set();

  constructor(shelf, connection, transfer) {
    this.#shelf = shelf;
    this.#connection = connection;
    this.#transfer = transfer;
    for (const type of ["add", "change", "remove"]) shelf.addEventListener(type, () => this.#fill());
  }

  #fill() {
    for (const picture of this.#shelf.having(...IN_THE_QUEUE)) {
      if (this.#watched.size >= WATCHED_AT_A_TIME) return;
      if (!this.#watched.has(picture)) this.#follow(picture);
    }
  }

  async #follow(picture) {
    this.#watched.add(picture);
    try {
      const asked = performance.now();
      const answer = await ask(picture.id, { state: picture.state, wait: SECONDS_OF_WAITING });
      const early = answer.state === picture.state && performance.now() - asked < 1000 * SECONDS_BETWEEN_QUESTIONS;
      this.#shelf.change(picture, known(answer));
      if (early) await pause(SECONDS_BETWEEN_QUESTIONS); // a server that ends, or does not wait, is not to be stormed
    } catch (error) {
      if (error instanceof Unreachable) await this.#connection.restored();
      else if (error instanceof Problem && error.status === 404) this.#transfer.sendAgain(picture);
      else this.#shelf.change(picture, { state: "failed", problem: error.message });
    } finally {
      this.#watched.delete(picture);
      this.#fill();
    }
  }
}
