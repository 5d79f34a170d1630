/* The wire to the chat API: one session, messages that survive a broken network, screens that arrive unasked. */
const PAUSES = [600, 1200, 2500, 5000, 8000, 12000];

export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** Refused for good: asking again would give the same answer. `problem` is the problem document. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem?.detail || problem?.title || `HTTP ${status}`);
    this.status = status;
    this.problem = problem || {};
  }
}

export class Wire {
  constructor(merchant, locale, { onScreen, onState, onSession }) {
    this.base = `/api/v1/chat/${encodeURIComponent(merchant)}`;
    this.locale = locale;
    this.on = { screen: onScreen, state: onState, session: onSession };
    this.opening = null;
    this.stream = null;
    this.cursor = "";
    this.failures = 0;
    this.timer = 0;
    addEventListener("online", () => this.wake());
    addEventListener("offline", () => this.show("offline"));
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.wake());
  }

  show(state) { this.on.state(navigator.onLine === false ? "offline" : state); }

  /** A session for this browser; its token stays in a cookie that scripts cannot read. */
  session() {
    this.opening ||= this.post(`${this.base}/sessions`, { page: true, locale: this.locale })
      .then(({ session }) => this.on.session(session))
      .catch((problem) => { this.opening = null; throw problem; });
    return this.opening;
  }

  /** Sends one message; the same id goes out until an answer is in, so it has one effect. Returns its screens. */
  async send(message, onTry) {
    for (let tries = 0; ; tries += 1) {
      try {
        await this.session();
        const { screens } = await this.post(`${this.base}/messages`, message);
        this.listen();
        return screens;
      } catch (problem) {
        if (problem instanceof Refused) {
          if (problem.status === 401 && tries < 3) this.opening = null;
          else if (problem.status !== 429 && problem.status < 500) throw problem;
        }
        if (tries >= PAUSES.length) throw problem;
        onTry?.(tries + 1);
        await this.pause(problem.retryAfter || PAUSES[tries]);
      }
    }
  }

  async post(url, body) {
    const timeout = AbortSignal.timeout ? AbortSignal.timeout(20000) : undefined;
    const answer = await fetch(url, {
      method: "POST", credentials: "same-origin", cache: "no-store", signal: timeout,
      headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify(body),
    });
    if (answer.ok) return answer.json();
    const refused = new Refused(answer.status, await answer.json().catch(() => null));
    refused.retryAfter = Number(answer.headers.get("Retry-After") || 0) * 1000;
    throw refused;
  }

  /** Waits, or goes on at once when the network is back. */
  pause(milliseconds) {
    return new Promise((done) => {
      const timer = setTimeout(finish, milliseconds);
      function finish() { clearTimeout(timer); removeEventListener("online", finish); done(); }
      addEventListener("online", finish);
    });
  }

  /** Opens the stream of screens sent unasked, and keeps it open. */
  listen() {
    if (this.stream) return;
    clearTimeout(this.timer);
    const after = this.cursor ? `?after=${encodeURIComponent(this.cursor)}` : "";
    const stream = new EventSource(`${this.base}/messages/stream${after}`);
    this.stream = stream;
    stream.onopen = () => { this.failures = 0; this.show("live"); };
    stream.addEventListener("screen", (event) => {
      this.cursor = event.lastEventId || this.cursor;
      this.on.screen(JSON.parse(event.data), event.lastEventId);
    });
    stream.onerror = () => {
      this.show("waiting");
      if (stream.readyState === EventSource.CLOSED) this.later();
    };
  }

  /** The browser gave the stream up: ask why, then try again after a pause that grows. */
  async later() {
    this.stream = null;
    this.failures += 1;
    const answer = await fetch(`${this.base}/messages?wait=0&after=${encodeURIComponent(this.cursor)}`, { credentials: "same-origin", cache: "no-store" }).catch(() => null);
    if (answer?.status === 401) return this.show("ready");
    this.timer = setTimeout(() => this.listen(), Math.min(30000, 1000 * 2 ** Math.min(this.failures, 5)));
  }

  /** Another session: what the old one was told does not belong here. */
  forget() {
    this.stream?.close();
    this.stream = null;
    this.cursor = "";
  }

  wake() {
    if (!this.opening && !this.stream) return this.show("ready");
    if (this.stream?.readyState === EventSource.OPEN) return this.show("live");
    this.stream?.close();
    this.stream = null;
    this.show("waiting");
    this.listen();
  }
}
