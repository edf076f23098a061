/** When things are done: pauses, one after the other, few at a time, and never twice for nothing. */

/** Wait so many seconds; ends early, with its AbortError, when the signal says so. */
export function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, seconds * 1000);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** A function that runs `work` once, `seconds` after the last of many calls. */
export function settled(seconds, work) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, seconds * 1000);
  };
}

/** A function that runs asynchronous `work`, never beside itself: calls meanwhile become one more run afterwards. */
export function latest(work) {
  let running = false;
  let again = false;
  return async function run() {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      do {
        again = false;
        await work();
      } while (again);
    } finally {
      running = false;
    }
  };
}

/** A line of tasks of which at most `width` run at a time. */
export class Lanes {
  #width;
  #running = 0;
  #line = [];

  constructor(width) {
    this.#width = width;
  }

  /** Run a task when it is its turn; what it throws is for itself to catch. */
  add(task) {
    this.#line.push(task);
    this.#next();
  }

  #next() {
    while (this.#running < this.#width && this.#line.length) {
      const task = this.#line.shift();
      this.#running += 1;
      Promise.resolve(task()).finally(() => {
        this.#running -= 1;
        this.#next();
      });
    }
  }
}
