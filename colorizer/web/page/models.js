/** The networks that the server knows, choosing one of them, and having more of them downloaded. */

import { modelFacts, modelName } from "./words.js";

export class Models {
  list = [];
  /** @type {string} name of the one that is taken unless another is chosen */
  preferred = "";

  set(answer) {
    this.list = answer.models;
    this.preferred = answer.default;
  }

  #find(name) {
    return this.list.find((model) => model.name === (name ?? this.preferred));
  }

  /** The temperature that a model has of its own; null where it has no distribution over colours. */
  temperature(name) {
    const model = this.#find(name);
    return model ? model.temperature : 1;
  }

  /** How many are being downloaded. */
  get downloading() {
    return this.list.filter((model) => model.download?.state === "running").length;
  }

  /** How often a model looks at a picture of its own accord. */
  looks(name) {
    return this.list.find((model) => model.name === (name ?? this.preferred))?.looks ?? 1;
  }

  /** Fill a select element; what is not installed is shown, but cannot be chosen. */
  fill(select, chosen = this.preferred) {
    const options = this.list.map((model) => {
      const words = model.installed ? modelName(model) : `${modelName(model)}, not installed`;
      const option = new Option(words, model.name, false, model.name === chosen);
      option.disabled = !model.installed;
      return option;
    });
    select.replaceChildren(...options);
  }

  /**
   * List the missing ones, with a button that downloads what can be; the element is hidden when none is missing.
   *
   * @param {(name: string) => void} download
   */
  advise(element, list, download) {
    const missing = this.list.filter((model) => !model.installed && model.how);
    element.hidden = missing.length === 0;
    list.replaceChildren(
      ...missing.map((model) => {
        const item = document.createElement("li");
        const command = document.createElement("code");
        command.textContent = model.how;
        const facts = document.createElement("small");
        facts.textContent = modelFacts(model);
        item.append(`${modelName(model)}: `, command, " ", facts);
        if (model.downloadable) item.append(" ", button(model, download));
        return item;
      }),
    );
  }
}

function button(model, download) {
  const made = document.createElement("button");
  made.type = "button";
  const { state, received, total, problem } = model.download ?? {};
  made.disabled = state === "running";
  const share = total ? `, ${Math.floor((100 * received) / total)} %` : "";
  made.textContent = state === "running" ? `Downloading${share}` : state === "failed" ? "Try again" : "Download";
  made.setAttribute("aria-label", `${made.textContent}: ${modelName(model)}`);
  if (state === "failed") made.title = problem;
  made.addEventListener("click", () => download(model.name));
  return made;
}
