/** Brings pictures to the server, a few at a time, patiently: a full queue is waited out, a broken connection too. */

import { Problem, Unreachable, forget, upload } from "./api.js";
import { IN_THE_QUEUE, isFinal, known, reason } from "./shelf.js";
import { Lanes, pause } from "./timing.js";
import { BROKEN, LOST } from "./words.js";

/** Browsers open six connections to a server; the others are for looking on, thumbnails and the large view. */
const UPLOADS_AT_A_TIME = 2;
const TRIES = 3;

export class Transfer {
  #shelf;
  #connection;
  #lanes = new Lanes(UPLOADS_AT_A_TIME);
  #stops = new Map();
  #resent = new WeakMap();

  /** @type {number} pictures of this page that may be in the server's queue, so that others find room */
  room = Infinity;

  constructor(shelf, connection) {
    this.#shelf = shelf;
    this.#connection = connection;
    shelf.addEventListener("remove", ({ detail }) => this.#stops.get(detail.picture)?.abort());
  }

  send(picture) {
    const stop = new AbortController();
    this.#stops.set(picture, stop);
    this.#shelf.change(picture, { state: "queued", id: null, progress: 0, problem: "", final: false });
    this.#lanes.add(async () => {
      try {
        if (!stop.signal.aborted) await this.#bring(picture, stop.signal);
      } catch (error) {
        if (error.name === "AbortError") return;
        const problem = reason(error.message, picture.name);
        this.#shelf.change(picture, { state: "failed", problem, final: isFinal(error.status) });
      } finally {
        this.#stops.delete(picture);
      }
    });
  }

  /** The server has let go of a picture (it was ended, or others needed the room): once more, if the file is here. */
  sendAgain(picture) {
    const times = this.#resent.get(picture) ?? 0;
    if (!picture.file || times >= TRIES) {
      this.#shelf.change(picture, { state: "lost", id: null, problem: LOST });
      return;
    }
    this.#resent.set(picture, times + 1);
    this.send(picture);
  }

  async #bring(picture, signal) {
    for (let broken = 0; ; ) {
      signal.throwIfAborted();
      await this.#roomInTheQueue(signal);
      this.#shelf.change(picture, { state: "uploading", progress: 0 });
      try {
        const answer = await upload(picture.file, {
          name: picture.name,
          model: picture.model,
          fast: picture.fast,
          signal,
          progress: (share) => this.#shelf.change(picture, { progress: share }),
        });
        if (this.#shelf.has(picture)) this.#shelf.change(picture, known(answer));
        else forget(answer.id).catch(() => {});
        return;
      } catch (error) {
        if (error instanceof Problem && error.retryAfter) {
          this.#shelf.change(picture, { state: "held" });
          await pause(error.retryAfter, signal);
        } else if (error instanceof Unreachable) {
          this.#shelf.change(picture, { state: "held" });
          await this.#connection.restored();
          if (++broken >= TRIES) throw new Error(BROKEN);
        } else {
          throw error;
        }
      }
    }
  }

  async #roomInTheQueue(signal) {
    while (this.#shelf.having(...IN_THE_QUEUE).length >= this.room) await pause(0.2, signal);
  }
}
