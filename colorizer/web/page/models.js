/** The networks that the server knows, and choosing one of them. */

import { modelName } from "./words.js";

export class Models {
  list = [];
  /** @type {string} name of the one that is taken unless another is chosen */
  preferred = "";

  set(answer) {
    this.list = answer.models;
    this.preferred = answer.default;
  }

  /** The temperature that a model has of its own. */
  temperature(name) {
    return this.list.find((model) => model.name === (name ?? this.preferred))?.temperature ?? 1;
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

  /** List how the missing ones are installed; the element is hidden when none is missing. */
  advise(element, list) {
    const missing = this.list.filter((model) => !model.installed && model.how);
    element.hidden = missing.length === 0;
    list.replaceChildren(
      ...missing.map((model) => {
        const item = document.createElement("li");
        const command = document.createElement("code");
        command.textContent = model.how;
        item.append(`${modelName(model)}: `, command);
        return item;
      }),
    );
  }
}
