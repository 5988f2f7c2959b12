// Times as their reader has them, to read and to type. Without this script they are in UTC.

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
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

// The address that a form leads to stays in UTC: whoever it is passed on to may live elsewhere.
export function takeTimes(): void {
  for (const words of document.querySelectorAll("[data-unless-yours]")) words.remove();
  const zone = document.getElementById("zone");
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (zone && name !== "UTC") zone.textContent = `Times are yours: ${name}`;
  for (const field of document.querySelectorAll<HTMLInputElement>("input[data-moment]")) take(field, field.dataset.moment ?? "");
}

function take(field: HTMLInputElement, asked: string): void {
  if (asked) field.value = local(new Date(asked));
  const shown = asked ? field.value : "";
  field.form?.addEventListener("formdata", (event) => {
    if (asked && field.value === shown) event.formData.set(field.name, asked); // to the second, and not an hour off in autumn
    else if (field.value) event.formData.set(field.name, utc(field.value));
  });
}

function local(at: Date): string {
  const two = (number: number): string => `${number}`.padStart(2, "0");
  const day = `${`${at.getFullYear()}`.padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

function utc(typed: string): string {
  const at = new Date(typed);
  return Number.isNaN(at.getTime()) ? typed : at.toISOString().replace(/\.\d+Z$/, "Z");
}

function told(time: HTMLTimeElement, at: Date, now: Date): string {
  if (time.dataset.as === "minute") return hour.format(todayAt(time.dataset.utc ?? ""));
  if (time.dataset.as === "left") return `${left(at.getTime() - now.getTime())} left`;
  time.title = day.format(at);
  if (time.dataset.as === "day") return day.format(at);
  if (time.dataset.as === "hour") return at.getMinutes() ? hour.format(at) : hour.format(at).slice(0, 2);
  return at.toDateString() === now.toDateString() ? clock.format(at) : short.format(at);
}

function todayAt(utc: string): number {
  const [hours, minutes] = utc.split(":").map(Number);
  return new Date().setUTCHours(hours ?? 0, minutes ?? 0);
}

function left(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86400)];
  if (days >= 2) return `${days} d`;
  if (hours >= 2) return `${hours} h`;
  if (minutes >= 2) return `${minutes} min`;
  return `${seconds} s`;
}
