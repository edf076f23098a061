/** The page as an app: it can be installed, and opens without the program; where a browser allows it. */

export async function install() {
  if (!navigator.serviceWorker) return; // only pages of this machine, or by HTTPS, have it
  try {
    await navigator.serviceWorker.register("/offline.js");
  } catch {
    // it is a comfort, no more
  }
}
