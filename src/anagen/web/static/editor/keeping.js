/** What is kept while somebody draws: steps to undo, a draft on this machine, the last measures. */

const DRAFT_FORMAT = 1;
const WAIT_MS = 150;
const AGAIN_MS = 5000;

/** Steps back and forth, without end. */
export function makeHistory(first) {
  let past = [], now = first, future = [];
  return {
    get now() { return now; },
    get canUndo() { return past.length > 0; },
    get canRedo() { return future.length > 0; },
    push(next) { past.push(now); now = next; future = []; },
    undo() { if (past.length) { future.push(now); now = past.pop(); } return now; },
    redo() { if (future.length) { past.push(now); now = future.pop(); } return now; },
    reset(next) { past = []; now = next; future = []; },
  };
}

/**
 * Draft of a drawing in the browser's own store, with the time and the version of the record that it
 * began from; a full or forbidden store is told, not fatal.
 */
export function makeDraft(key, version, told) {
  const name = key ? `anagen:${key}` : null;
  const attempt = (work) => {
    try { return name ? work() : null; } catch { told("draft_not_kept"); return null; }
  };
  return {
    read() {
      return attempt(() => {
        const text = localStorage.getItem(name);
        if (!text) return null;
        try {
          const draft = JSON.parse(text);
          return draft.format === DRAFT_FORMAT && Array.isArray(draft.drawing?.patches) ? draft : null;
        } catch { return null; }
      });
    },
    /** `sent` marks a drawing that went off with its form, whether or not it arrived. */
    write(drawing, sent = false) {
      attempt(() => localStorage.setItem(name, JSON.stringify(
        { format: DRAFT_FORMAT, version: version ?? null, at: new Date().toISOString(), sent, drawing })));
    },
    clear() { attempt(() => localStorage.removeItem(name)); },
  };
}

/**
 * Measures from the server: asked for a moment after the last stroke, again when it failed; the
 * last answer stands meanwhile. `told` gets {answer, state, at} with state
 * "waiting", "measured", "offline" or "refused".
 */
export function makeMeasure({ url, csrf, body, told }) {
  let timer = null, running = null, last = { answer: null, state: "none", at: null };
  const tell = (change) => { last = { ...last, ...change }; told(last); };
  const ask = async () => {
    running?.abort();
    const mine = new AbortController();
    running = mine;
    try {
      const response = await fetch(url, {
        method: "POST", credentials: "same-origin", signal: mine.signal,
        headers: { "Content-Type": "application/json", "X-CSRF-Token": csrf() ?? "" },
        body: JSON.stringify(body()),
      });
      if (running !== mine) return;
      if (response.status >= 500) throw new Error("server");
      if (!response.ok) { tell({ state: response.status === 401 ? "signed_out" : "refused" }); return; }
      tell({ answer: await response.json(), state: "measured", at: new Date() });
    } catch (error) {
      if (mine.signal.aborted) return;
      tell({ state: "offline" });
      timer = setTimeout(ask, AGAIN_MS);
    }
  };
  const later = (wait) => { clearTimeout(timer); timer = setTimeout(ask, wait); };
  const online = () => later(0);
  addEventListener("online", online);
  return {
    now() { if (url) { tell({ state: last.answer ? "stale" : "waiting" }); later(WAIT_MS); } },
    end() { clearTimeout(timer); running?.abort(); removeEventListener("online", online); },
  };
}
