/** Pictures into the page: dropped anywhere (folders too), chosen, or pasted. */

/** What a folder has besides pictures is passed over; single files are left to the server to judge. */
const PICTURE = /\.(jpe?g|jpe|jfif|png|tiff?|webp|bmp|dib|pnm|pgm|ppm|pbm|pam|jp2|j2k|jpx|j2c|avif|heic|heif|hif)$/i;

const MADE_BY_SYSTEMS = /^(\..*|thumbs\.db|desktop\.ini)$/i;

/**
 * @param {{input: HTMLInputElement, choosers: Iterable<HTMLElement>, curtain: HTMLElement}} parts the curtain is shown
 *     over the page while something is dragged above it
 * @param {(files: File[]) => void} take
 */
export function intake({ input, choosers, curtain }, take) {
  for (const button of choosers) button.addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    take([...input.files]);
    input.value = "";
  });

  let depth = 0; // dragenter and dragleave come for every element on the way
  const drop = { dragenter: 1, dragleave: -1 };
  for (const [type, step] of Object.entries(drop)) {
    addEventListener(type, (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = Math.max(0, depth + step);
      curtain.hidden = depth === 0;
    });
  }
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  addEventListener("drop", async (event) => {
    if (!hasFiles(event)) return;
    const taken = event.defaultPrevented; // by what it was dropped on
    event.preventDefault();
    depth = 0;
    curtain.hidden = true;
    if (taken) return;
    take(await dropped(event.dataTransfer));
  });

  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length) return;
    event.preventDefault();
    take(files);
  });
}

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Files of a drop; entries have to be taken before the first await, after which the browser empties the transfer. */
async function dropped(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const found = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  const lists = await Promise.all(found.map(({ entry, file }) => (entry?.isDirectory ? within(entry) : [file])));
  return lists.flat().filter(Boolean);
}

async function within(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([]))); // a hundred at a time
    if (!some.length) break;
    entries.push(...some);
  }
  entries.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const lists = await Promise.all(
    entries
      .filter((entry) => !MADE_BY_SYSTEMS.test(entry.name))
      .map((entry) => {
        if (entry.isDirectory) return within(entry);
        if (!PICTURE.test(entry.name)) return [];
        return new Promise((resolve) => entry.file((file) => resolve([file]), () => resolve([])));
      }),
  );
  return lists.flat();
}
