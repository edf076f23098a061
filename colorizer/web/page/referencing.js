/** Pictures in colour that say something of a picture: dropped on the tools or chosen, and said what they are. */

import { sendReference } from "./api.js";

const ROLES = { scene: "the same scene or person", palette: "its mood alone" };

export class Referencing {
  #parts;
  #actions;

  /**
   * @param {Record<string, HTMLElement>} parts tools, referenceAdd, referenceFile, references
   * @param {{picture: () => object, said: () => object, commit: (said: object) => void, tell: (error: Error) => void}} actions
   */
  constructor(parts, actions) {
    this.#parts = parts;
    this.#actions = actions;
    const { tools, referenceAdd, referenceFile } = parts;
    referenceAdd.addEventListener("click", () => referenceFile.click());
    referenceFile.addEventListener("change", async () => {
      await this.#send([...referenceFile.files]);
      referenceFile.value = "";
    });
    tools.addEventListener("drop", (event) => {
      event.preventDefault(); // which tells the page that it is not for the shelf
      this.#send([...event.dataTransfer.files]);
    });
  }

  draw() {
    this.#parts.references.replaceChildren(
      ...(this.#actions.said().references ?? []).map((each, at) => this.#item(each, at)),
    );
  }

  async #send(files) {
    const picture = this.#actions.picture();
    if (picture?.state !== "ready") return;
    for (const file of files) {
      try {
        const { file: name } = await sendReference(picture.id, file);
        if (picture !== this.#actions.picture()) return;
        const said = this.#actions.said();
        const others = (said.references ?? []).filter((each) => each.file !== name);
        this.#actions.commit({ ...said, references: [...others, { file: name, as: "scene" }] });
      } catch (error) {
        this.#actions.tell(error);
      }
    }
  }

  #change(at, changed) {
    const said = this.#actions.said();
    const references = said.references.flatMap((each, place) => (place === at ? changed(each) : [each]));
    this.#actions.commit({ ...said, references });
  }

  #item({ file, as }, at) {
    const item = document.createElement("li");
    const label = document.createElement("label");
    const choice = document.createElement("select");
    label.textContent = `${file} shows `;
    for (const [role, words] of Object.entries(ROLES)) choice.add(new Option(words, role, false, role === as));
    choice.addEventListener("change", () => this.#change(at, (each) => [{ ...each, as: choice.value }]));
    label.append(choice);
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "quiet";
    remove.textContent = "Remove";
    remove.setAttribute("aria-label", `Remove ${file}`);
    remove.addEventListener("click", () => this.#change(at, () => []));
    item.append(label, remove);
    return item;
  }
}
