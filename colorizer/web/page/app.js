/** The page put together: which part listens to which, and which of its three faces is shown. */

import { Adjust } from "./adjust.js";
import { Problem, Unreachable, forget, health, models as askModels, picture as ask, recolor } from "./api.js";
import { Compare } from "./compare.js";
import { Connection } from "./connection.js";
import { Downloading } from "./downloading.js";
import { Grid } from "./grid.js";
import { Hinting } from "./hinting.js";
import { intake } from "./intake.js";
import { install } from "./installing.js";
import { Keeping, kept } from "./keeping.js";
import { keys } from "./keys.js";
import { Models } from "./models.js";
import { saveAll, saveOne } from "./saving.js";
import { IN_THE_QUEUE, ON_THE_WAY, Shelf, known } from "./shelf.js";
import { Speech } from "./speech.js";
import { Transfer } from "./transfer.js";
import { View } from "./view.js";
import { Watch } from "./watch.js";
import { formatName, plural, promise, savingWords, size, summary } from "./words.js";
import { Zoom } from "./zoom.js";

const part = (id) => document.getElementById(id);

const FORMATS = ["jpeg", "png", "tiff", "webp"];
const GONE =
  "The program does not answer: colorize serve was ended, perhaps. Start it again, and this page goes on by itself.";
const CUT = "The connection broke before all had come; please try again.";

const shelf = new Shelf();
const connection = new Connection();
const models = new Models();
const transfer = new Transfer(shelf, connection);
new Watch(shelf, connection, transfer);
new Keeping(shelf);
const speech = new Speech(part("polite"), part("assertive"), shelf);
const limits = { bytes: Infinity, pictures: Infinity };

const unreachable = (again) => connection.restored().then(again);
const lost = (picture) => transfer.sendAgain(picture);

const grid = new Grid(part("tiles"), part("tile"), shelf, {
  open: (picture) => open(picture),
  retry: (picture) => transfer.send(picture),
  remove,
  lost,
  unreachable,
});

const adjust = new Adjust(
  {
    saturation: part("saturation"),
    saturationShown: part("saturation-shown"),
    temperature: part("temperature"),
    temperatureShown: part("temperature-shown"),
    reset: part("reset"),
    all: part("same-for-all"),
    model: part("view-model"),
    detail: part("detail"),
  },
  models,
  {
    change: (picture, settings) => shelf.change(picture, settings),
    all: ({ saturation, temperature }) => {
      for (const picture of shelf.pictures) shelf.change(picture, { saturation, temperature });
      speech.say(`The same for ${plural(shelf.pictures.length, "picture")}.`);
    },
    recolor: colorAgain,
  },
);

const hinting = new Hinting(
  {
    box: part("compare"),
    mode: part("hint-mode"),
    tools: part("hint-tools"),
    swatches: part("swatches"),
    keep: part("hint-keep"),
    grey: part("hint-grey"),
    color: part("hint-color"),
    remove: part("hint-remove"),
    carry: part("carry"),
    carryShown: part("carry-shown"),
    undo: part("hint-undo"),
    redo: part("hint-redo"),
    list: part("hint-list"),
    place: part("hint-place"),
    propose: part("propose"),
    proposals: part("proposals"),
    remarks: part("hint-remarks"),
    shapes: part("hint-shapes"),
    referenceAdd: part("reference-add"),
    referenceFile: part("reference-file"),
    references: part("references"),
  },
  shelf,
  { tell: (error) => tell(error), say: (words) => speech.say(words), trying: (said) => view.trying(said) },
);

const compare = new Compare(part("compare"));

const zoom = new Zoom(
  part("stage"),
  compare,
  {
    closer: part("zoom-in"),
    away: part("zoom-out"),
    whole: part("zoom-whole"),
    pixels: part("zoom-pixels"),
    shown: part("zoom-shown"),
  },
  (error, picture) => view.failed(error, picture),
);

const view = new View(
  {
    name: part("view-name"),
    place: part("view-place"),
    facts: part("facts"),
    note: part("view-note"),
    previous: part("previous"),
    next: part("next"),
    hold: part("hold"),
    stage: part("stage"),
    save: part("save"),
  },
  shelf,
  compare,
  zoom,
  adjust,
  hinting,
  {
    close,
    lost,
    unreachable,
    moved: (picture) => speech.say(picture.name),
  },
);

const downloading = new Downloading(models, {
  progressed: advise,
  arrived: () => {
    models.fill(part("model"), part("model").value || undefined);
    if (view.picture) adjust.show(view.picture);
  },
  say,
});

// --- three faces: the invitation, the shelf, one picture

function face() {
  const name = view.picture ? "view" : shelf.pictures.length ? "shelf" : "invitation";
  if (name === document.body.dataset.face) return;
  for (const id of ["invitation", "shelf", "view"]) part(id).hidden = id !== name;
  document.body.dataset.face = name;
  if (name === "shelf") grid.refresh();
}

function open(picture) {
  view.open(picture);
  face();
  history.pushState({ large: true }, "");
  part("view-name").focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** The browser's own way back leads to the shelf; so ours is the same. */
function close() {
  if (!view.picture) return;
  if (history.state?.large) history.back();
  else leave();
}

function leave() {
  const picture = view.picture;
  view.close();
  face();
  grid.focus(picture);
}

addEventListener("popstate", () => view.picture && leave());

// --- pictures come and go

function take(files) {
  const room = limits.pictures - shelf.pictures.length;
  if (files.length > room) {
    const most = plural(limits.pictures, "picture");
    say(`The page holds ${most} at a time, so ${files.length - Math.max(0, room)} of these are left out. ` +
      "Save and remove some first, or colour a whole folder with: colorize FOLDER");
  }
  const taken = files.slice(0, Math.max(0, room));
  for (const file of taken) {
    const picture = shelf.add({ name: file.name || "picture", file, model: part("model").value || null });
    if (file.size === 0) shelf.change(picture, { state: "failed", problem: "The file is empty.", final: true });
    else if (file.size > limits.bytes) {
      const problem = `The file is too large (${size(file.size)}); this page takes ${size(limits.bytes)} at most.`;
      shelf.change(picture, { state: "failed", problem, final: true });
    } else transfer.send(picture);
  }
  if (taken.length) speech.say(`${plural(taken.length, "picture")} added.`);
  if (taken.length && view.picture) close();
}

function remove(picture) {
  shelf.remove(picture);
  if (picture.id) forget(picture.id).catch(() => {});
  if (!shelf.pictures.length) document.querySelector("#invitation .choose").focus();
}

function clear() {
  const count = shelf.pictures.length;
  if (count > 1 && !confirm(`Remove all ${count} pictures from this page? Your own files stay where they are.`)) return;
  for (const picture of [...shelf.pictures]) remove(picture);
  speech.say("All pictures removed.");
}

async function colorAgain(picture, model, fast) {
  const before = { model: picture.model, fast: picture.fast, temperature: picture.temperature };
  // a temperature is one network's; how closely that looks does not change it
  const temperature = model === (before.model ?? models.preferred) ? before.temperature : null;
  // not yet "waiting": asked about it now, the server might tell of the pass before, and late
  shelf.change(picture, { state: "asked", model, fast, temperature });
  try {
    shelf.change(picture, { ...known(await recolor(picture.id, model, fast)), model });
  } catch (error) {
    shelf.change(picture, { state: "ready", ...before });
    tell(error);
  }
  if (view.picture === picture) adjust.show(picture);
}

// --- saving

async function saving(button, work) {
  if (button.disabled) return;
  const words = button.querySelector("span");
  const usual = words.textContent;
  button.disabled = true;
  button.setAttribute("aria-busy", "true");
  words.textContent = "Preparing…";
  try {
    const received = (bytes) => {
      words.textContent = `Preparing… ${size(bytes)}`;
    };
    speech.say(`${await work(received)} is saved where your browser keeps downloads.`);
  } catch (error) {
    tell(error);
  } finally {
    button.removeAttribute("aria-busy");
    words.textContent = usual;
    button.disabled = false;
    tools();
  }
}

const saveThis = () => saving(part("save"), () => saveOne(view.picture, part("format").value));
const saveEach = () =>
  saving(part("save-all"), (received) => saveAll(shelf.having("ready"), part("format-all").value, received));

// --- messages

function say(words) {
  const notice = part("notice");
  notice.querySelector("p").textContent = words;
  notice.hidden = false;
  speech.alarm(words);
}

function hush() {
  part("notice").hidden = true;
}

async function tell(error) {
  if (error instanceof Unreachable) {
    if (!(await connection.restored())) say(CUT);
  } else if (error instanceof Problem) say(error.message);
  else throw error;
}

function tools() {
  const ready = shelf.having("ready").length;
  const busy = shelf.having(...ON_THE_WAY, ...IN_THE_QUEUE).length;
  part("summary").textContent = summary(shelf.pictures);
  if (!part("save-all").matches("[aria-busy=true]")) {
    part("save-all").disabled = ready === 0;
    part("save-all").querySelector("span").textContent = savingWords(ready, shelf.pictures.length, busy);
  }
  part("same-for-all").hidden = shelf.pictures.length < 2;
  document.title = busy ? `${ready} of ${shelf.pictures.length} in colour · colorize` : "colorize";
}

for (const type of ["add", "change", "remove"]) shelf.addEventListener(type, tools);
for (const type of ["add", "remove"]) shelf.addEventListener(type, face);
connection.addEventListener("lost", () => say(GONE));
connection.addEventListener("back", () => {
  if (part("notice").textContent.includes(GONE)) hush();
  begin().catch(tell);
});

addEventListener("beforeunload", (event) => {
  if (shelf.having("uploading", "queued", "held").length) event.preventDefault();
});

intake({ input: part("files"), choosers: document.querySelectorAll(".choose"), curtain: part("curtain") }, take);
part("clear").addEventListener("click", clear);
part("save").addEventListener("click", saveThis);
part("save-all").addEventListener("click", saveEach);
part("view-close").addEventListener("click", close);
part("notice").querySelector("button").addEventListener("click", hush);
part("help-open").addEventListener("click", () => part("help").showModal());
keys({ view, zoom, help: part("help"), close, save: () => (view.picture ? saveThis() : saveEach()) });

for (const select of document.querySelectorAll(".formats")) {
  select.append(new Option("As the original", ""), ...FORMATS.map((format) => new Option(formatName(format), format)));
}
for (const words of document.querySelectorAll(".promise")) words.textContent = promise(location.hostname);

// --- what the server has, and what was here before the page was loaded again

async function begin() {
  const answer = await health();
  if (answer.limits) Object.assign(limits, answer.limits);
  if (answer.capacity) transfer.room = Math.max(1, Math.floor(answer.capacity * 0.75));
  models.set(await askModels());
  models.fill(part("model"));
  advise();
  if (models.downloading) downloading.watch();
}

function advise() {
  for (const advice of document.querySelectorAll(".advice")) {
    models.advise(advice, advice.querySelector("ul"), downloading.start);
  }
}

async function restore() {
  const found = await Promise.all(
    Shelf.stored().map(async (stored) => {
      try {
        return { ...stored, ...known(await ask(stored.id)) };
      } catch {
        return null; // forgotten meanwhile
      }
    }),
  );
  const there = found.filter(Boolean);
  const waiting = await kept(new Set(there.map((picture) => picture.kept)));
  for (const picture of there) shelf.add(picture);
  for (const picture of waiting) transfer.send(shelf.add(picture));
}

history.replaceState(null, "");
await restore();
face();
install();
begin().catch(tell);
