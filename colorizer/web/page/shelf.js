/**
 * The pictures of this page and what is known of each; the one place where that changes.
 *
 * Everything else listens: "add", "change" and "remove" tell of one picture each. The identifiers outlive a reload of
 * the page (the files that were chosen do not, the browser gives them up).
 *
 * @typedef {object} Picture
 * @property {number} key of the page, never used twice
 * @property {string} name
 * @property {File|null} file what was chosen; null after a reload
 * @property {"queued"|"uploading"|"held"|"asked"|"waiting"|"working"|"ready"|"failed"|"lost"} state
 * @property {string|null} id of the server, once it has the picture
 * @property {string|null} kept name under which the browser keeps the file until then
 * @property {number} progress share of the upload that is sent, 0 to 1
 * @property {number|null} position in the server's queue, 1: next
 * @property {string} problem why it failed, in plain words
 * @property {boolean} final whether another try would fail just so
 * @property {number} width @property {number} height in pixels, once known
 * @property {string} format as the server names it
 * @property {number} depth bits of a sample, once known
 * @property {string|null} model
 * @property {boolean} fast whether the network looks once
 * @property {number} passes of the network, made for this picture
 * @property {number|null} saturation null: as it comes
 * @property {number|null} temperature null: the model's own
 * @property {number} hints how many say something of its colours
 * @property {string} said what they say, as text
 */

const STORED = "colorize.pictures";

export const ON_THE_WAY = ["queued", "uploading", "held", "asked"];
export const IN_THE_QUEUE = ["waiting", "working"];

export class Shelf extends EventTarget {
  #pictures = [];
  #keys = 0;

  get pictures() {
    return this.#pictures;
  }

  /** Those in any of these states. */
  having(...states) {
    return this.#pictures.filter((picture) => states.includes(picture.state));
  }

  has(picture) {
    return this.#pictures.includes(picture);
  }

  add(known) {
    const picture = {
      key: ++this.#keys,
      file: null,
      state: "queued",
      id: null,
      kept: null,
      progress: 0,
      position: null,
      problem: "",
      final: false,
      width: 0,
      height: 0,
      format: "",
      depth: 0,
      model: null,
      fast: false,
      passes: 0,
      saturation: null,
      temperature: null,
      hints: 0,
      said: "",
      ...known,
    };
    this.#pictures.push(picture);
    this.#tell("add", picture, "");
    return picture;
  }

  change(picture, changes) {
    if (!this.has(picture)) return;
    const was = picture.state;
    Object.assign(picture, changes);
    if (was === "waiting" && picture.state !== "waiting") this.#moveUp(picture);
    this.#tell("change", picture, was);
  }

  remove(picture) {
    const place = this.#pictures.indexOf(picture);
    if (place < 0) return;
    this.#pictures.splice(place, 1);
    this.#tell("remove", picture, picture.state);
  }

  /** Those behind a picture that has left the queue are one nearer to their turn; the server's own word follows. */
  #moveUp(left) {
    for (const picture of this.having("waiting")) {
      if (picture.position > Math.max(1, left.position ?? 1)) {
        picture.position -= 1;
        this.#tell("change", picture, "waiting");
      }
    }
  }

  #tell(type, picture, was) {
    this.#store();
    this.dispatchEvent(new CustomEvent(type, { detail: { picture, was } }));
  }

  #store() {
    const stored = this.#pictures
      .filter((picture) => picture.id && picture.state !== "failed")
      .map(({ id, kept, name, model, fast, saturation, temperature }) => {
        return { id, kept, name, model, fast, saturation, temperature };
      });
    try {
      sessionStorage.setItem(STORED, JSON.stringify(stored));
    } catch {
      // storage may be forbidden; then a reload begins anew
    }
  }

  /** What was on the shelf before the page was loaded again. */
  static stored() {
    try {
      return JSON.parse(sessionStorage.getItem(STORED)) ?? [];
    } catch {
      return [];
    }
  }
}

const TOO_SLOW = 408;

/** Whether the picture itself is at fault, so that it will be so again. */
export const isFinal = (status) => status >= 400 && status < 500 && status !== TOO_SLOW;

/** Why, without the file's name in front, which stands beside it anyway. */
export function reason(detail, name) {
  const bare = detail.startsWith(`${name}: `) ? detail.slice(name.length + 2) : detail;
  return bare.charAt(0).toUpperCase() + bare.slice(1);
}

/** What of the server's word about a picture is kept. */
export function known({ id, name, state, position, width, height, format, depth, problem, passes, model, fast, hints }) {
  const words = {
    id,
    state,
    position: position ?? null,
    width: width ?? 0,
    height: height ?? 0,
    format: format ?? "",
    depth: depth ?? 0,
    problem: problem ? reason(problem.detail || problem.title, name) : "",
    final: problem ? isFinal(problem.status) : false,
    passes: passes ?? 0,
    fast: fast ?? false,
    hints: hints ?? 0,
  };
  return model ? { ...words, model } : words;
}
