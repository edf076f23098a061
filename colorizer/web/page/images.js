/** Pictures to look at: from the server, decoded before they are shown, or of the chosen file on its way. */

import { rendering, tryHints } from "./api.js";
import { Lanes } from "./timing.js";

export const THUMBNAIL_SIDE = 480;

/**
 * An image element that is ready to be painted.
 *
 * @param {import("./shelf.js").Picture} picture
 * @param {"before"|"after"} which
 * @param {number} side longest, in pixels
 */
export async function render(picture, which, side) {
  const { saturation, temperature } = picture;
  const options = which === "after" ? { side, saturation, temperature } : { side };
  return decoded(picture, which, options);
}

const PROPOSAL_SIDE = 240;

/** The same of a proposal, small. */
export function variantImage(picture, variant) {
  const { saturation, temperature } = picture;
  return decoded(picture, "after", { side: PROPOSAL_SIDE, variant, saturation, temperature });
}

/** The same by hints that are tried. */
export async function triedImage(picture, said, side) {
  const { saturation, temperature } = picture;
  return imageOf(await tryHints(picture.id, said, { side, saturation, temperature }));
}

const decoded = async (picture, which, options) => imageOf(await rendering(picture.id, which, options));

async function imageOf(blob) {
  const url = URL.createObjectURL(blob);
  try {
    const image = new Image();
    image.draggable = false;
    image.src = url;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** What a rendering depends on, as text: as long as it is the same, there is nothing to fetch. */
export const look = ({ id, passes, saturation, temperature, said }) =>
  [id, passes, saturation, temperature, said].join(" ");

/** One after the other: decoding a scan takes a hundred megabytes for a moment. */
const previews = new Lanes(1);

/** A small canvas with the chosen file; null for kinds that the browser does not know, such as TIFF. */
export function preview(file) {
  return new Promise((resolve) => {
    previews.add(async () => {
      try {
        const bitmap = await createImageBitmap(file);
        const scale = Math.min(1, THUMBNAIL_SIDE / Math.max(bitmap.width, bitmap.height));
        const canvas = document.createElement("canvas");
        canvas.width = Math.max(1, Math.round(bitmap.width * scale));
        canvas.height = Math.max(1, Math.round(bitmap.height * scale));
        const context = canvas.getContext("2d");
        context.imageSmoothingQuality = "high";
        context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
        bitmap.close();
        resolve(canvas);
      } catch {
        resolve(null);
      }
    });
  });
}
