// Charts, drawn from what the server has counted. Loaded only by pages that have one.
import { BarChart } from "echarts/charts";
import { AriaComponent, GridComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, AriaComponent, GridComponent, TooltipComponent, CanvasRenderer]);

type Counts = { hours: string[]; series: { severity: string; alerts: number[] }[] };

const EACH = 60_000;
const dark = matchMedia("(prefers-color-scheme: dark)");

export function draw(figure: HTMLElement): void {
  let chart: EChartsType | null = null;
  const renew = async (): Promise<void> => {
    if (document.hidden) return;
    const answer = await fetch(figure.dataset.chart ?? "").catch(() => null);
    if (!answer?.ok || answer.redirected) return; // who is signed out is led to a page
    const counts = (await answer.json()) as Counts;
    figure.hidden = counts.series.length === 0;
    if (figure.hidden) return;
    figure.classList.add("drawn");
    chart ??= init(figure);
    chart.setOption(options(figure, counts), true);
  };
  new ResizeObserver(() => chart?.resize()).observe(figure);
  dark.addEventListener("change", () => void renew());
  setInterval(() => void renew(), EACH);
  void renew();
}

// The tooltip is drawn, not made of elements: those would have styles of their own, which no page of ours may.
function options(figure: HTMLElement, counts: Counts): Record<string, unknown> {
  const colours = getComputedStyle(figure);
  const colour = (name: string): string => colours.getPropertyValue(name).trim();
  const times = counts.hours.map((hour) => new Date(hour));
  const span = (times.at(-1)?.getTime() ?? 0) - (times[0]?.getTime() ?? 0);
  const shown = new Intl.DateTimeFormat(undefined, span > 86_400_000 * 2 ? { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const label = { color: colour("--soft") };
  return {
    aria: { enabled: false },
    animation: false,
    grid: { left: 8, right: 8, top: 8, bottom: 4, containLabel: true },
    tooltip: { trigger: "axis", renderMode: "richText", backgroundColor: colour("--sheet"), borderColor: colour("--line"), textStyle: { color: colour("--ink") } },
    xAxis: { type: "category", data: times.map((time) => shown.format(time)), axisLabel: label, axisTick: { show: false } },
    yAxis: { type: "value", minInterval: 1, axisLabel: label, splitLine: { lineStyle: { color: colour("--line") } } },
    series: [...counts.series].reverse().map((each) => ({
      name: each.severity, type: "bar", stack: "alerts", data: each.alerts, barMaxWidth: 28,
      itemStyle: { color: colour(`--chart-${each.severity}`) },
    })),
  };
}
