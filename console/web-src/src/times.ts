// Times as their reader has them. Without this script they are in UTC.

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const short = new Intl.DateTimeFormat(undefined, {
  month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});

export function tellTimes(root: ParentNode): void {
  const now = new Date();
  for (const time of root.querySelectorAll<HTMLTimeElement>("time[data-as]")) {
    const text = told(time, new Date(time.dateTime), now);
    if (time.textContent !== text) time.textContent = text;
  }
}

function told(time: HTMLTimeElement, at: Date, now: Date): string {
  if (time.dataset.as === "left") return `${left(at.getTime() - now.getTime())} left`;
  time.title = day.format(at);
  if (time.dataset.as === "day") return day.format(at);
  return at.toDateString() === now.toDateString() ? clock.format(at) : short.format(at);
}

function left(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86400)];
  if (days >= 2) return `${days} d`;
  if (hours >= 2) return `${hours} h`;
  if (minutes >= 2) return `${minutes} min`;
  return `${seconds} s`;
}
