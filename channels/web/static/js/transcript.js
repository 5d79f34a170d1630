/* What was said, kept in this browser so that a reload shows it again. Cards are never kept: they are fetched anew. */
const LONGEST = 160;

export class Transcript {
  constructor(merchant) {
    this.place = `keystall:talk:${merchant}`;
    this.session = "";
    this.entries = [];
    try {
      const kept = JSON.parse(localStorage.getItem(this.place) || "null");
      if (kept?.version === 1) ({ session: this.session, entries: this.entries } = kept);
    } catch { /* A blocked or broken storage only means that a reload starts with an empty page. */ }
  }

  /** Another session: what the old one said belongs to somebody else. Returns whether anything was forgotten. */
  belongTo(session) {
    const foreign = this.session !== "" && this.session !== session;
    if (foreign) this.entries = [];
    this.session = session;
    this.keep();
    return foreign;
  }

  add(entry) {
    this.entries.push(entry);
    if (this.entries.length > LONGEST) this.entries.splice(0, this.entries.length - LONGEST);
    this.keep();
  }

  heard(cursor) { return this.entries.some((entry) => entry.cursor === cursor); }

  /** The cursor to go on from; empty when a kept screen needs its cards again, so that all come once more. */
  resumeFrom() {
    if (this.entries.some((entry) => entry.screen?.kind === "cards")) return "";
    return this.entries.findLast((entry) => entry.cursor)?.cursor || "";
  }

  keep() {
    const entries = this.entries.map((entry) => (entry.screen ? { ...entry, screen: { ...entry.screen, cards: undefined } } : entry));
    try {
      localStorage.setItem(this.place, JSON.stringify({ version: 1, session: this.session, entries }));
    } catch { /* Full or blocked: the conversation goes on, a reload starts empty. */ }
  }
}
