/** Results into the browser's folder for downloads. */

import { result, zip } from "./api.js";

/** For how long a browser may take to begin with a download. */
const SECONDS_TO_BEGIN = 60;

export async function saveOne(picture, format) {
  const { saturation, temperature } = picture;
  const { blob, name } = await result(picture.id, { saturation, temperature, format });
  return hand(blob, name ?? picture.name);
}

export async function saveAll(pictures, format, received) {
  const entries = pictures.map(({ id, saturation, temperature }) => {
    const entry = { id };
    if (saturation !== null) entry.saturation = saturation;
    if (temperature !== null) entry.temperature = temperature;
    return entry;
  });
  const { blob, name } = await zip(entries, format, received);
  return hand(blob, name ?? "coloured.zip");
}

function hand(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), SECONDS_TO_BEGIN * 1000);
  return name;
}
