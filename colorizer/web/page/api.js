/**
 * The HTTP API of `colorize serve` as functions; nothing here knows of the page.
 *
 * What the server refuses is thrown as a Problem, in the server's own plain words; that there is no server any more, or
 * that the connection broke, as Unreachable.
 */

import { pause } from "./timing.js";

export class Problem extends Error {
  /**
   * @param {number} status of HTTP
   * @param {string} detail what happened and what to do, one line
   * @param {number} retryAfter seconds until a further try makes sense; 0: never
   */
  constructor(status, detail, retryAfter = 0) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export class Unreachable extends Error {}

const TRIES = 5;
const BUSY = [429, 503];
const UNAUTHORISED = 401;

function problemOf(status, text, retryAfter) {
  let detail = "";
  try {
    const body = JSON.parse(text);
    detail = body.detail || body.title || "";
  } catch {
    // not JSON: something between page and server has answered
  }
  if (status === UNAUTHORISED) {
    detail = "This page has lost its permission; open the address again that colorize serve printed.";
  }
  const seconds = BUSY.includes(status) ? Math.max(1, Number(retryAfter) || 1) : 0;
  return new Problem(status, detail || `The program answered with an error (status ${status}).`, seconds);
}

/** Ask, and ask again when the server is busy and says when to come back. */
async function request(path, options = {}) {
  for (let tries = 1; ; tries += 1) {
    let response;
    try {
      response = await fetch(path, options);
    } catch (error) {
      throw new Unreachable(error.message);
    }
    if (response.ok) return response;
    const problem = problemOf(response.status, await response.text(), response.headers.get("Retry-After"));
    if (!problem.retryAfter || tries >= TRIES) throw problem;
    await pause(problem.retryAfter);
  }
}

const json = async (path, options) => (await request(path, options)).json();

/** Query text of those values that are set. */
function query(values) {
  const set = Object.entries(values).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return set.length ? `?${new URLSearchParams(set)}` : "";
}

export const health = () => json("/api/health", { cache: "no-store" });

export const models = () => json("/api/models", { cache: "no-store" });

/** Have a network downloaded; on the machine that the server runs on alone. */
export const downloadModel = (name) => json(`/api/models/${encodeURIComponent(name)}/download`, { method: "POST" });

/**
 * Send a picture; XMLHttpRequest, because fetch tells nothing of an upload's progress.
 *
 * @param {File} file
 * @param {{name: string, model: string|null, fast: boolean, signal: AbortSignal, progress: (share: number) => void}} options
 * @returns {Promise<object>} the picture as the server tells of it
 */
export function upload(file, { name, model, fast, signal, progress }) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    const abort = () => xhr.abort();
    signal.addEventListener("abort", abort);
    xhr.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    xhr.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    xhr.onerror = () => reject(new Unreachable("the connection broke"));
    xhr.onload = () => {
      if (xhr.status >= 200 && xhr.status < 300) resolve(JSON.parse(xhr.responseText));
      else reject(problemOf(xhr.status, xhr.responseText, xhr.getResponseHeader("Retry-After")));
    };
    xhr.onloadend = () => signal.removeEventListener("abort", abort);
    xhr.open("POST", `/api/pictures${query({ model, name, fast: fast || null })}`);
    xhr.setRequestHeader("Content-Type", file.type || "application/octet-stream");
    xhr.send(file);
  });
}

const address = (id, part = "") => `/api/pictures/${encodeURIComponent(id)}${part}`;

/** What the server says of a picture, at once or when its state is no longer `state`, after `wait` seconds at most. */
export const picture = (id, { state, wait } = {}) => json(address(id, query({ state, wait })), { cache: "no-store" });

export const recolor = (id, model, fast) =>
  json(address(id, `/model${query({ model, fast: fast || null })}`), { method: "POST" });

/** Let the server forget a picture; also while the page is being left. */
export const forget = (id) => request(address(id), { method: "DELETE", keepalive: true });

/**
 * A picture as seen before or after colouring.
 *
 * @param {"before"|"after"} which
 * @param {{side: number, saturation?: number|null, temperature?: number|null}} options
 * @returns {Promise<Blob>}
 */
export const rendering = async (id, which, options) =>
  (await request(address(id, `/${which}${query(options)}`))).blob();

/** What is said of a picture's colours, as a hints file. */
export const hints = (id) => json(address(id, "/hints"), { cache: "no-store" });

/** Say it; the answer has what is to be said of that. */
export const setHints = (id, said) =>
  json(address(id, "/hints"), {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(said),
  });

/** The picture by what is said, which is tried and not kept: a JPEG file. */
export const tryHints = async (id, said, options) =>
  (
    await request(address(id, `/after${query(options)}`), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(said),
    })
  ).blob();

/** Send a picture in colour that hints may name; the answer has the name. */
export const sendReference = (id, file) =>
  json(address(id, `/references${query({ name: file.name })}`), {
    method: "POST",
    headers: { "Content-Type": file.type || "application/octet-stream" },
    body: file,
  });

/** Colours to choose from at a place. */
export const swatches = (id, options) => json(address(id, `/swatches${query(options)}`), { cache: "no-store" });

/** Proposals, each as a hints file. */
export const variants = (id, options) => json(address(id, `/variants${query(options)}`), { cache: "no-store" });

/**
 * A piece of a picture at full size.
 *
 * @param {"before"|"after"} which
 * @param {{level: number, column: number, row: number, saturation?: number|null, temperature?: number|null}} options
 * @returns {Promise<Blob>}
 */
export const tile = async (id, which, options) =>
  (await request(address(id, `/${which}/tile${query(options)}`))).blob();

/** The full result as the command would write it. */
export async function result(id, options) {
  return download(await request(address(id, `/result${query(options)}`)));
}

/**
 * Many results in one archive.
 *
 * @param {object[]} pictures each with its id and settings
 * @param {string} format empty: as the originals
 * @param {(bytes: number) => void} received told of how much has come
 */
export async function zip(pictures, format, received) {
  const body = JSON.stringify(format ? { pictures, format } : { pictures });
  const headers = { "Content-Type": "application/json" };
  return download(await request("/api/zip", { method: "POST", headers, body }), received);
}

async function download(response, received = () => {}) {
  const name = fileName(response.headers.get("Content-Disposition") ?? "");
  let bytes = 0;
  const count = new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      received(bytes);
      controller.enqueue(chunk);
    },
  });
  try {
    return { blob: await new Response(response.body.pipeThrough(count)).blob(), name };
  } catch (error) {
    throw new Unreachable(error.message);
  }
}

/** The file name in a Content-Disposition (RFC 6266, with RFC 8187's extended form first); null if there is none. */
export function fileName(disposition) {
  const extended = /filename\*=UTF-8''([^;\s]+)/i.exec(disposition);
  if (extended) {
    try {
      return decodeURIComponent(extended[1]);
    } catch {
      // not as RFC 8187 has it; the plain form may serve
    }
  }
  const plain = /filename="((?:[^"\\]|\\.)*)"/i.exec(disposition) ?? /filename=([^;\s]+)/i.exec(disposition);
  return plain ? plain[1].replace(/\\(.)/g, "$1") : null;
}
