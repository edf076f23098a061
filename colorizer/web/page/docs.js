/** The reference, made from the server's own description, and the examples with its address. */

/** An element with text or elements in it. */
function element(name, className, ...content) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...content);
  return made;
}

/** What a value may be: "number, 0 to 4, default 1". */
function kind({ type, enum: choices, minimum, maximum, default: usual }) {
  const words = [choices ? choices.join(", ") : [type].flat().join(" or ")];
  if (minimum !== undefined && maximum !== undefined) words.push(`${round(minimum)} to ${round(maximum)}`);
  if (usual !== undefined) words.push(`default ${usual}`);
  return words.join("; ");
}

const round = (number) => Number(number.toPrecision(4));

function parameters(list) {
  const rows = list.map(({ name, description, schema, in: place }) =>
    element(
      "div",
      "parameter",
      element("dt", "", element("code", "", name), place === "path" ? " (in the path)" : ""),
      element("dd", "", element("span", "kind", kind(schema)), " ", description ?? ""),
    ),
  );
  return element("dl", "parameters", ...rows);
}

function answers(responses, shared) {
  const rows = Object.entries(responses).map(([status, response]) => {
    const named = response.$ref ? shared[response.$ref.split("/").at(-1)] : response;
    const types = response.$ref ? [] : Object.keys(named.content ?? {});
    const told = [named.description, types.length ? ` (${types.join(", ")})` : ""].join("");
    return element("div", "", element("dt", "", status), element("dd", "", told));
  });
  return element("dl", "answers", ...rows);
}

function operation(path, method, told, shared) {
  const title = element("h3", "", element("code", "", `${method.toUpperCase()} ${path}`));
  const block = element("article", "operation", title, element("p", "", told.summary));
  block.id = told.operationId;
  if (told.requestBody) {
    const types = Object.keys(told.requestBody.content).join(", ");
    block.append(element("p", "takes", `Body: ${[types, told.requestBody.description].filter(Boolean).join(". ")}`));
  }
  if (told.parameters?.length) block.append(parameters(told.parameters));
  const details = element("details", "", element("summary", "", "Answers"), answers(told.responses, shared));
  block.append(details);
  return block;
}

async function reference() {
  const about = document.getElementById("about");
  try {
    const description = await (await fetch("/api/openapi.json")).json();
    about.textContent = `Version ${description.info.version}. ${description.info.description ?? ""}`;
    const shared = description.components?.responses ?? {};
    const blocks = Object.entries(description.paths)
      .filter(([path]) => path.startsWith("/api/"))
      .flatMap(([path, methods]) =>
        Object.entries(methods).map(([method, told]) => operation(path, method, told, shared)),
      );
    document.getElementById("operations").append(...blocks);
  } catch {
    about.textContent = "The program does not answer: colorize serve was ended, perhaps. Start it and load this anew.";
  }
}

for (const span of document.querySelectorAll(".origin")) span.textContent = location.origin;
reference();
