// Keeps a page current by Server-Sent Events, as long as it is in sight: a browser has six connections to a server.
import { tellTimes } from "./times";

type Row = { id: string; host: string; html: string };
type News = { rows: Row[]; folded: Record<string, number> };

const MOST_ROWS = 200;
const AGAIN = 2000;

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
  private readonly said = document.getElementById("live");
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
    source.addEventListener("open", () => this.say("on", "live"));
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
    if (this.list) for (const row of rows) this.show(this.list, row);
    const folded = Object.values(news.folded).reduce((sum, count) => sum + count, 0);
    if (folded) this.fold(folded);
  }

  private show(list: HTMLElement, row: Row): void {
    const fresh = parsed(row.html).firstElementChild;
    if (!fresh) return;
    const known = document.getElementById(`alert-${row.id}`);
    const open = known?.querySelector("details")?.open ?? false;
    if (known) {
      known.replaceWith(fresh);
      const details = fresh.querySelector("details");
      if (details) details.open = open;
    } else {
      fresh.classList.add("new");
      list.prepend(fresh);
      while (list.children.length > MOST_ROWS) list.lastElementChild?.remove();
      document.getElementById("no-alerts")?.setAttribute("hidden", "");
    }
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
    if (focused) place.querySelector<HTMLElement>(focused)?.focus();
  }

  private say(state: "on" | "off", words: string): void {
    if (!this.said || this.said.textContent === words) return;
    this.said.className = `live ${state}`;
    this.said.textContent = words;
  }
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
