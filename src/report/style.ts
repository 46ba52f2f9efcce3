// The style sheet of reports.
/** The report page's style sheet: system faces, one column, light and dark, no scripts. */
export const REPORT_STYLE = `
:root {
  color-scheme: light dark;
  --page: #fbfbfa; --card: #ffffff; --ink: #1c1e22; --soft: #5c6370; --faint: #6b717d; --rule: #e4e5e7;
  --grid: #ebecee; --good: #1a7340; --bad: #a8361f; --note: #fdf6e3; --note-edge: #d9a514;
  --c0: #2f6fb3; --c1: #d1632a; --c2: #2f8f6b; --c3: #9b4f96; --c4: #a5871b; --c5: #6b7280;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #16181c; --card: #1d2025; --ink: #e7e8ea; --soft: #a4abb6; --faint: #8f96a2; --rule: #2d3138;
    --grid: #2a2e35; --good: #63c48c; --bad: #ef8a70; --note: #2b2617; --note-edge: #b98d15;
    --c0: #6aa9e9; --c1: #f0925c; --c2: #5cc39b; --c3: #cb87c6; --c4: #d4b84a; --c5: #a1a8b3;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; padding: 3.5rem 1.25rem 5rem; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 60rem; margin: 0 auto; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h2 { margin: 0 0 .35rem; font-size: 1.25rem; line-height: 1.3; font-weight: 620; letter-spacing: -0.005em; }
h3 { margin: 0; font-size: .9375rem; line-height: 1.4; font-weight: 600; }
p { margin: 0; }
section { margin-top: 3.5rem; }
.lede { margin-top: .75rem; max-width: 42rem; color: var(--soft); font-size: 1.0625rem; }
.intro { margin-bottom: 1.25rem; max-width: 42rem; color: var(--soft); }
.facts {
  display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1.1rem 1.5rem;
  margin: 2rem 0 0; padding: 1.25rem 0; border: solid var(--rule); border-width: 1px 0;
}
.facts dt { color: var(--faint); font-size: .8125rem; line-height: 1.4; }
.facts dd { margin: .1rem 0 0; font-size: .9375rem; font-weight: 550; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.warnings { margin-top: 2rem; padding: .9rem 1.1rem; background: var(--note); border-left: 3px solid var(--note-edge); border-radius: 4px; }
.warnings h2 { font-size: 1rem; }
.warnings ul { margin: 0; padding-left: 1.1rem; }
.warnings li { overflow-wrap: anywhere; }
figure { margin: 0; }
.picture + .picture { margin-top: 3.5rem; }
.picture h2 { margin-bottom: .8rem; }
.picture h3 { margin-bottom: .45rem; color: var(--soft); font-weight: 500; font-variant-numeric: tabular-nums; }
.picture img {
  display: block; width: 100%; max-width: 100%; height: auto; background: #fff;
  border: 1px solid var(--rule); border-radius: 6px;
}
.picture figcaption { margin-top: .6rem; max-width: 42rem; color: var(--soft); font-size: .9375rem; overflow-wrap: anywhere; }
.labels { margin: .35rem 0 0; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 25rem), 1fr)); gap: 1.25rem; }
.chart { padding: 1rem 1.1rem 1.05rem; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; min-width: 0; }
.chart figcaption { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; margin-bottom: .6rem; }
.scale { color: var(--faint); font-size: .8125rem; }
.chart > svg { display: block; width: 100%; height: auto; overflow: visible; }
.chart text { fill: var(--faint); font-size: 12px; font-variant-numeric: tabular-nums; }
.empty { padding: 2rem 0; color: var(--faint); }
.grid { stroke: var(--grid); fill: none; }
.axis, .tick { stroke: var(--faint); stroke-opacity: .55; fill: none; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
.line.raw { stroke-width: 1; stroke-opacity: .28; }
.line.dashed { stroke-dasharray: 5 4; }
.strip { fill: transparent; }
.strip:hover { fill: var(--ink); fill-opacity: .06; }
${[0, 1, 2, 3, 4, 5].map((i) => `.c${i} { stroke: var(--c${i}); } .dot.c${i} { fill: var(--c${i}); }`).join('\n')}
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; margin: .7rem 0 0; padding: 0; list-style: none; font-size: .8125rem; color: var(--soft); }
.legend li { display: inline-flex; align-items: center; gap: .4rem; }
.legend span { overflow-wrap: anywhere; }
.legend b { color: var(--ink); font-weight: 550; font-variant-numeric: tabular-nums; white-space: nowrap; }
.legend em { color: var(--bad); font-style: normal; }
.key { flex: none; width: 16px; height: 4px; }
table { width: 100%; border-collapse: collapse; }
caption { padding-bottom: .9rem; text-align: left; color: var(--soft); max-width: 42rem; }
th, td { padding: .3rem 0 .3rem 1.25rem; text-align: right; vertical-align: baseline; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { padding-left: 0; text-align: left; }
thead th { padding-bottom: .45rem; border-bottom: 1px solid var(--rule); color: var(--faint); font-size: .8125rem; font-weight: 500; }
tbody { border-bottom: 1px solid var(--rule); }
tbody th { padding-top: .85rem; font-weight: 600; overflow-wrap: anywhere; }
tbody td { padding-top: .85rem; white-space: nowrap; }
tbody .trained { font-weight: 600; }
tbody .explanation { padding: 0 0 .9rem; color: var(--soft); font-size: .9375rem; white-space: normal; }
.explanation span { display: block; max-width: 42rem; overflow-wrap: anywhere; }
.explanation b { font-weight: 550; }
.better { color: var(--good); }
.worse { color: var(--bad); }
.list { margin-bottom: 1.25rem; }
.list th, .list td { text-align: left; }
.list tbody td { padding-top: .45rem; }
details { border-top: 1px solid var(--rule); }
details:last-child { border-bottom: 1px solid var(--rule); }
summary { padding: .8rem 0; cursor: pointer; font-weight: 550; }
summary:focus-visible { outline: 2px solid var(--c0); outline-offset: 2px; border-radius: 2px; }
.timeline { display: grid; gap: 1.75rem; padding: .5rem 0 1.5rem; }
.timeline .picture + .picture { margin-top: 0; }
pre {
  margin: 0 0 1.25rem; padding: 1rem 1.1rem; overflow-x: auto; background: var(--card); border: 1px solid var(--rule);
  border-radius: 8px; font: .8125rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; tab-size: 2;
}
.commands { margin-top: 1.1rem; }
.commands p { margin: .15rem 0 .6rem; max-width: 42rem; color: var(--soft); }
@media (max-width: 36rem) {
  body { padding: 2rem 1rem 3.5rem; }
  h1 { font-size: 1.625rem; }
  section { margin-top: 2.75rem; }
  .facts { grid-template-columns: 1fr 1fr; gap: .9rem 1rem; }
  .chart { padding: .85rem .8rem .9rem; }
  .chart text { font-size: 14px; }
  th, td { padding-left: .7rem; }
}
@media print {
  body { padding: 0; background: #fff; }
  .chart, .picture, tbody { break-inside: avoid; }
}
`;
