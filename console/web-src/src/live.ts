// Keeps a page current by Server-Sent Events, as long as it is in sight: a browser has six connections to a server.
import { tellTimes } from "./times";

type Row = { id: string; host: string; html: string };
type News = { rows: Row[]; folded: Record<string, number> };

const MOST_ROWS = 200;
const MOST_COUNTED = 1000;
const AGAIN = 2000;
const CALM = 1000;

export function keepCurrent(): void {
  const main = document.querySelector<HTMLElement>("main[data-live]");
  if (!main) return;
  const page = new Page(main);
  document.addEventListener("visibilitychange", () => (document.hidden ? page.close() : page.open()));
  addEventListener("pagehide", () => page.close());
  addEventListener("pageshow", () => page.open());
  page.open();
}

class Page {
  private source: EventSource | null = null;
  private cursor: string;
  private again = 0;
  private folded = 0;
  private soon = 0;
  private readonly said = document.getElementById("live");
  private readonly away = document.getElementById("away");
  private readonly news = document.getElementById("news");
  private readonly fresh = new Set<string>();
  private readonly list = document.getElementById("alerts");
  private readonly regions = new Map<string, HTMLElement>();

  constructor(private readonly main: HTMLElement) {
    this.cursor = main.dataset.live ?? "";
    for (const region of main.querySelectorAll<HTMLElement>("[data-region]")) {
      this.regions.set(region.dataset.region ?? "", region);
    }
  }

  open(): void {
    if (this.source || document.hidden) return;
    clearTimeout(this.again);
    const query = new URLSearchParams([["after", this.cursor], ...[...this.regions.keys()].map((name) => ["region", name])]);
    const source = (this.source = new EventSource(`/live?${query}`));
    source.addEventListener("open", () => this.say("on"));
    source.addEventListener("well", () => this.say("on"));
    source.addEventListener("error", () => this.lost(source));
    source.addEventListener("alerts", (event) => this.alerts(event));
    source.addEventListener("region", (event) => this.region(event));
    source.addEventListener("reload", () => location.reload());
    source.addEventListener("trouble", (event) => this.say("off", JSON.parse(event.data).words));
  }

  close(): void {
    clearTimeout(this.again);
    this.source?.close();
    this.source = null;
  }

  // A browser goes on trying where the line broke, and gives up where it was answered: then we go on.
  private lost(source: EventSource): void {
    this.say("off", "The server does not answer. This page goes on as soon as it does.");
    if (source.readyState !== EventSource.CLOSED) return;
    this.close();
    this.again = window.setTimeout(() => void this.returnOrSignIn(), AGAIN);
  }

  private async returnOrSignIn(): Promise<void> {
    const answer = await fetch(location.href, { method: "GET", redirect: "manual" }).catch(() => null);
    if (answer?.type === "opaqueredirect") location.reload();
    else this.open();
  }

  private alerts(event: MessageEvent<string>): void {
    if (event.lastEventId) this.cursor = event.lastEventId;
    const news = JSON.parse(event.data) as News;
    const host = this.main.dataset.host;
    const rows = host === undefined ? news.rows : news.rows.filter((row) => row.host === host);
    const folded = Object.values(news.folded).reduce((sum, count) => sum + count, 0);
    if (this.news) return this.count(this.news, rows, folded);
    if (this.list) for (const row of rows) this.show(this.list, row);
    if (folded) this.fold(folded);
  }

  // A list that somebody works through stays as it is: it says how much it lacks.
  private count(place: HTMLElement, rows: Row[], folded: number): void {
    this.folded += folded;
    for (const { id } of rows) {
      if (this.fresh.size < MOST_COUNTED && !document.getElementById(`alert-${id}`)) this.fresh.add(id);
    }
    const count = this.fresh.size + this.folded;
    if (!count || this.soon) return;
    this.soon = window.setTimeout(() => {
      this.soon = 0;
      const link = place.querySelector("a") ?? place.appendChild(document.createElement("a"));
      const now = this.fresh.size + this.folded;
      link.href = location.pathname + location.search;
      const many = `${now.toLocaleString()}${this.fresh.size < MOST_COUNTED ? "" : " or more"} new ${now === 1 ? "alert" : "alerts"}`;
      link.textContent = "some" in place.dataset ? `${many} since: look again` : `${many}: show ${now === 1 ? "it" : "them"}`;
    }, CALM);
  }

  private show(list: HTMLElement, row: Row): void {
    const fresh = parsed(row.html).firstElementChild;
    if (!fresh) return;
    const known = document.getElementById(`alert-${row.id}`);
    const open = known?.querySelector("details")?.open ?? false;
    const focused = known?.contains(document.activeElement) ? (place_of(document.activeElement) ?? "summary") : null;
    known?.remove();
    const next = [...list.children].find((each) => moment(each) <= moment(fresh));
    list.insertBefore(fresh, next ?? null); // who approves an alert gives it another time
    const details = fresh.querySelector("details");
    if (details) details.open = open;
    if (focused) fresh.querySelector<HTMLElement>(focused)?.focus();
    if (!known) fresh.classList.add("new");
    while (list.children.length > MOST_ROWS) list.lastElementChild?.remove();
    document.getElementById("no-alerts")?.setAttribute("hidden", "");
    tellTimes(fresh);
  }

  private fold(count: number): void {
    this.folded += count;
    const note = document.getElementById("folded");
    if (!note) return;
    note.hidden = false;
    note.textContent = `${this.folded.toLocaleString()} more came too fast to be listed here: see Alerts.`;
  }

  // What has the reader's attention stays as it is: a button must not move away from under a finger.
  private region(event: MessageEvent<string>): void {
    const { region, html } = JSON.parse(event.data) as { region: string; html: string };
    const place = this.regions.get(region);
    if (!place) return;
    const focused = place.contains(document.activeElement) ? place_of(document.activeElement) : null;
    place.replaceChildren(...parsed(html).childNodes);
    tellTimes(place);
    document.getElementById(location.hash.slice(1))?.classList.add("sought"); // what was :target is gone
    if (focused) place.querySelector<HTMLElement>(focused)?.focus();
  }

  private say(state: "on" | "off", words = ""): void {
    if (this.said) {
      this.said.className = `live ${state}`;
      this.said.textContent = state === "on" ? "live" : "not live";
    }
    if (this.away && this.away.textContent !== words) this.away.textContent = words;
  }
}

// When an alert was told: as the server writes it, later is greater.
function moment(row: Element): string {
  return row.querySelector("time")?.dateTime ?? "";
}

function parsed(html: string): DocumentFragment {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

// How an element that has the focus is found again in what takes its place.
function place_of(element: Element | null): string | null {
  const action = element?.getAttribute("formaction");
  if (action) return `[formaction="${CSS.escape(action)}"]`;
  const address = element?.getAttribute("href");
  return address ? `[href="${CSS.escape(address)}"]` : null;
}
