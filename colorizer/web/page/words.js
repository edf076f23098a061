/** What the page says: states, numbers and names in plain words. */

export function ordinal(number) {
  const tens = number % 100;
  const suffix = tens > 10 && tens < 14 ? "th" : (["th", "st", "nd", "rd"][number % 10] ?? "th");
  return `${number}${suffix}`;
}

export const plural = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

/** One line about where a picture stands. */
export function status(picture) {
  switch (picture.state) {
    case "queued":
      return "About to be sent";
    case "uploading":
      return picture.progress < 1 ? `Sending, ${Math.floor(picture.progress * 100)} %` : "Sent, being looked at";
    case "held":
      return "The program is busy; sent again soon";
    case "asked":
      return "About to be coloured again";
    case "waiting":
      return picture.position > 1 ? `Waiting, ${ordinal(picture.position)} in line` : "Next in line";
    case "working":
      return "Colouring";
    case "ready":
      return picture.width ? `Ready, ${picture.width} × ${picture.height}` : "Ready";
    default:
      return picture.problem;
  }
}

/** All pictures in one line: "2 of 3 in colour, 1 could not be coloured". */
export function summary(pictures) {
  const count = (...states) => pictures.filter((picture) => states.includes(picture.state)).length;
  const ready = count("ready");
  const failed = count("failed", "lost");
  const total = plural(pictures.length, "picture");
  const done = ready === pictures.length ? `${total} in colour` : `${ready} of ${total} in colour`;
  return failed ? `${done}, ${failed} could not be coloured` : done;
}

/** What the button says that saves those that are ready. */
export function savingWords(ready, total, pending) {
  if (pending) return ready ? `Save ${ready} of ${total}` : "Save";
  return ready > 1 ? `Save all ${ready}` : "Save";
}

export const LOST = "The program no longer has this picture; add it again.";
export const BROKEN = "The connection broke while the picture was being sent; try again, or try a smaller file.";

/** Who sees the pictures. */
export function promise(host) {
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(host);
  return here
    ? "The pictures stay on this computer."
    : `The pictures go to the computer ${host}, where colorize runs, and no further.`;
}

const MODELS = {
  lite: "Quick (lite)",
  zhang16: "Rich colours (zhang16)",
  "zhang16-norebal": "Calm colours (zhang16-norebal)",
};

export const modelName = ({ name, title }) => MODELS[name] ?? (title ? `${title} (${name})` : name);

const FORMATS = { jpeg: "JPEG", png: "PNG", tiff: "TIFF", webp: "WebP", bmp: "BMP", pnm: "PNM", jp2: "JPEG 2000" };

export const formatName = (format) => FORMATS[format.toLowerCase()] ?? format.toUpperCase();

/** What one wants to know of a network before downloading it: size, what it is good for, licence. */
export const modelFacts = ({ size: bytes, goodFor, licence, nonCommercial }) =>
  [
    bytes ? size(bytes) : "size not known",
    goodFor,
    licence && `licence: ${licence}`,
    nonCommercial && "not for commercial use",
  ]
    .filter(Boolean)
    .join("; ");

/** Bytes as people say them. */
export function size(bytes) {
  const units = ["bytes", "kB", "MB", "GB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${Number((bytes / 1000 ** power).toPrecision(2))} ${units[power]}`;
}
