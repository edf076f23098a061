/** Keys of the page as a whole; tiles, sliders and the boundary have their own. */

export function keys({ view, zoom, help, close, save }) {
  const actions = {
    Escape: () => view.picture && close(),
    ArrowLeft: () => view.picture && view.step(-1),
    ArrowRight: () => view.picture && view.step(1),
    "+": () => view.picture && zoom.step(1),
    "=": () => view.picture && zoom.step(1),
    "-": () => view.picture && zoom.step(-1),
    0: () => view.picture && zoom.whole(),
    1: () => view.picture && zoom.own(),
  };
  const moves = { ArrowLeft: [-0.2, 0], ArrowRight: [0.2, 0], ArrowUp: [0, -0.2], ArrowDown: [0, 0.2] };
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || help.open) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "s") {
      event.preventDefault();
      save();
      return;
    }
    if (command || event.altKey) return;
    const writes = event.target.closest?.("input, select, textarea");
    if (event.key === "?" && !writes) help.showModal();
    else if (event.shiftKey && event.key in moves && !writes) {
      if (!view.picture || !zoom.enlarged) return;
      event.preventDefault();
      zoom.pan(...moves[event.key]);
    }
    else if (event.key in actions && (event.key === "Escape" || !writes)) actions[event.key]();
  });
}
