/** Lines and areas on the large picture: what a pointer draws, and how what is said of them is shown. */

const NEAR = 0.006; // of the width or height: points closer to the last one say nothing new
const MOST = 400;
const SVG = "http://www.w3.org/2000/svg";

/**
 * Follow a pointer until it is let go.
 *
 * @param {HTMLElement} box
 * @param {number} pointer its id
 * @param {(event: PointerEvent) => [number, number]} where in fractions of the picture
 * @param {[number, number]} from
 * @param {(points: number[][], done: boolean) => void} draw
 */
export function trace(box, pointer, where, from, draw) {
  const points = [from];
  box.setPointerCapture(pointer);
  const move = (event) => {
    if (event.pointerId !== pointer || points.length >= MOST) return;
    const [x, y] = where(event);
    const [lastX, lastY] = points.at(-1);
    if (Math.abs(x - lastX) < NEAR && Math.abs(y - lastY) < NEAR) return;
    points.push([x, y]);
    draw(points, false);
  };
  const end = (event) => {
    if (event.pointerId !== pointer) return;
    box.removeEventListener("pointermove", move);
    for (const type of ["pointerup", "pointercancel"]) box.removeEventListener(type, end);
    draw(points, true);
  };
  box.addEventListener("pointermove", move);
  for (const type of ["pointerup", "pointercancel"]) box.addEventListener(type, end);
}

/** A drawing of the hints that are more than a point. */
export function outline(hints) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 1 1");
  drawing.setAttribute("preserveAspectRatio", "none");
  drawing.setAttribute("aria-hidden", "true");
  for (const { points, shape } of hints) {
    if (points.length < 2) continue;
    const line = document.createElementNS(SVG, shape === "region" ? "polygon" : "polyline");
    line.setAttribute("points", points.map((point) => point.join(",")).join(" "));
    drawing.append(line);
  }
  return drawing;
}
