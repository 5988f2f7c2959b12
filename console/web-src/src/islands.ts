// What pages do beyond showing what the server made: times in the reader's zone, what is new as it happens, charts.
import { keepCurrent } from "./live";
import { takeTimes, tellTimes } from "./times";

tellTimes(document);
takeTimes();
setInterval(() => tellTimes(document), 1000);
keepCurrent();

const figures = document.querySelectorAll<HTMLElement>("[data-chart]");
if (figures.length) void import("./charts").then(({ draw }) => figures.forEach(draw));

for (const all of document.querySelectorAll<HTMLInputElement>("input[data-all]")) {
  all.addEventListener("change", () => {
    for (const one of document.querySelectorAll<HTMLInputElement>(`input[name="${all.dataset.all}"]`)) one.checked = all.checked;
  });
}
