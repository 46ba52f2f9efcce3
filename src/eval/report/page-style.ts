// The stylesheet of evaluation pages.
/** Rules in addition to `REPORT_STYLE`. */
export const EVALUATION_STYLE = `
:root { --track: #eef0f2; --best: #e6f2ea; --folder: #7d93ab; --baseline: #bcc2cb; }
@media (prefers-color-scheme: dark) { :root { --track: #262a31; --best: #1f3327; --folder: #6f8299; --baseline: #4d545f; } }
a { color: inherit; text-decoration-color: var(--faint); text-underline-offset: .2em; }
a:focus-visible, .scroll:focus-visible { outline: 2px solid var(--c0); outline-offset: 2px; border-radius: 2px; }
.scroll { overflow-x: auto; }
.figures { font-size: .875rem; }
.question { margin-bottom: 1rem; max-width: 42rem; color: var(--soft); }
.figures th, .figures td { padding: .5rem .5rem; vertical-align: top; }
.figures thead th { vertical-align: bottom; color: var(--ink); font-size: .875rem; font-weight: 600; line-height: 1.35; }
.figures thead th:not(:first-child) { min-width: 7rem; }
.figures th:first-child { position: sticky; left: 0; z-index: 1; min-width: 8rem; max-width: 15rem; padding-left: 0; background: var(--page); overflow-wrap: anywhere; }
.figures small, .kind { display: block; color: var(--faint); font-size: .75rem; font-weight: 400; line-height: 1.4; }
.figures tbody td { white-space: nowrap; }
.figures td small { white-space: normal; }
.figures td .interval { white-space: nowrap; }
.figures tbody tr + tr > * { border-top: 1px solid var(--grid); }
.figures tfoot th, .figures tfoot td { color: var(--faint); font-size: .75rem; font-weight: 400; line-height: 1.4; }
.figures .best { background: var(--best); font-weight: 650; }
.figures .best small { color: var(--soft); }
.figures .best .mark { color: var(--good); font-weight: 650; }
.gone { color: var(--faint); }
.notes { margin: .9rem 0 0; padding-left: 1.1rem; max-width: 42rem; color: var(--soft); font-size: .875rem; }
.notes li { overflow-wrap: anywhere; }
.bars { margin: .3rem 0 0; padding: 0; list-style: none; }
.bars { display: grid; grid-template-columns: fit-content(38%) minmax(0, 1fr) max-content; gap: .35rem .8rem; align-items: center; font-size: .8125rem; line-height: 1.25; }
.bars li { display: contents; }
.bars .name { overflow-wrap: anywhere; }
.bars .value { text-align: right; font-variant-numeric: tabular-nums; }
.bars .model .name, .bars .model .value { font-weight: 650; }
.bars .published { color: var(--soft); }
.track { position: relative; height: 14px; background: var(--track); border-radius: 2px; }
.track i { position: absolute; top: 0; height: 14px; border-radius: 2px; background: var(--baseline); }
.model .track i { background: var(--c0); }
.folder .track i { background: var(--folder); }
.published .track i { background: transparent; border: 1.5px dashed var(--faint); }
.track i.dot { top: 1px; width: 12px; height: 12px; margin-left: -6px; border-radius: 50%; }
.track u { position: absolute; top: 6px; height: 2px; background: var(--ink); opacity: .75; }
.track u.box { top: 2px; height: 10px; background: var(--c0); opacity: .3; border-radius: 2px; }
.track u.middle { top: 0; width: 2px; height: 14px; margin-left: -1px; opacity: 1; }
.track u.zero { top: -2px; width: 1px; height: 18px; background: var(--faint); opacity: 1; }
.bars .scale { position: relative; height: 1rem; font-size: .75rem; font-variant-numeric: tabular-nums; }
.bars .scale span { position: absolute; transform: translateX(-50%); white-space: nowrap; }
.bars .scale span:first-child { transform: none; }
.bars .scale span:last-child { transform: translateX(-100%); }
.room { visibility: hidden; }
.swatches { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; margin: 0 0 .8rem; padding: 0; list-style: none; color: var(--soft); font-size: .8125rem; }
.swatches li { display: inline-flex; align-items: center; gap: .45rem; }
.swatches .track { flex: none; width: 18px; height: 10px; background: none; }
.swatches .track i { width: 18px; height: 10px; }
.compared { margin-top: 1.5rem; }
.compared + .source { margin-top: 1.1rem; }
.source + .source { margin-top: .5rem; }
.source { max-width: 42rem; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
.hows { margin: 1rem 0 0; }
.hows dt { margin-top: 1rem; font-weight: 600; }
.hows dt span { margin-left: .5rem; color: var(--faint); font-size: .8125rem; font-weight: 400; }
.hows dd { margin: .15rem 0 0; max-width: 42rem; color: var(--soft); font-size: .9375rem; overflow-wrap: anywhere; }
.images { width: auto; min-width: 100%; table-layout: fixed; }
.images th, .images td { padding: 3px; text-align: center; vertical-align: top; }
.images thead th { padding-bottom: .3rem; border: 0; line-height: 1.25; overflow-wrap: anywhere; }
.images tbody { border: 0; }
.images tbody th { font-size: .75rem; font-weight: 400; }
.images th:first-child, .images td:first-child { padding-left: 0; text-align: center; }
.images img { display: block; width: 100%; min-width: 4rem; height: auto; border-radius: 3px; }
.images .label { display: block; margin-top: .25rem; color: var(--faint); font-size: .75rem; font-weight: 400; line-height: 1.3; overflow-wrap: anywhere; white-space: normal; }
.images .input { position: sticky; left: 0; z-index: 1; padding-right: .8rem; background: var(--page); }
.images td { white-space: normal; }
.images.few { table-layout: auto; min-width: 0; }
.images.few td, .images.few th { width: 9rem; min-width: 5.5rem; }
.images.few .input { width: 9.4rem; }
.gallery + .gallery { margin-top: 2.5rem; }
.gallery h3 { margin-bottom: .2rem; font-size: 1rem; }
.gallery p { margin-bottom: .8rem; max-width: 42rem; color: var(--soft); font-size: .9375rem; }
.gallery .chart { max-width: 42rem; margin: 0 0 1.25rem; }
.bad { color: var(--bad); font-weight: 600; }
.receipt th { padding-right: 1rem; color: var(--soft); font-weight: 500; white-space: nowrap; vertical-align: top; }
.receipt td { overflow-wrap: anywhere; white-space: normal; }
.receipt tbody th, .receipt tbody td { padding-top: .35rem; padding-bottom: .35rem; font-size: .875rem; text-align: left; }
code { font: .875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.curve .mean { fill: none; stroke: var(--c0); stroke-width: 1.8; stroke-linejoin: round; }
.curve .point { fill: var(--card); stroke: var(--c0); stroke-width: 1.6; }
.curve .deviation { stroke: var(--c0); stroke-opacity: .45; fill: none; }
.curve .top { fill: var(--good); stroke: var(--good); }
.curve .best { margin-top: .6rem; color: var(--good); font-size: .8125rem; font-weight: 600; }
@media (max-width: 36rem) {
  .figures th:first-child { min-width: 6.5rem; max-width: 8rem; }
  .bars { gap: .35rem .5rem; }
  .receipt tbody th, .receipt tbody td { display: block; padding: 0; white-space: normal; }
  .receipt tbody th { padding-top: .6rem; }
}
@media print {
  .track, .track *, .best { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .scroll { overflow: visible; }
  .figures { font-size: 8.5pt; }
  .figures th, .figures td { padding: .3rem .35rem; }
  .figures tbody td { white-space: normal; }
  .figures thead th:not(:first-child), .figures th:first-child { min-width: 0; position: static; background: none; }
  .images .input { position: static; background: none; }
  .images tr, .bars li, .figures tr, .receipt tr { break-inside: avoid; }
  .figures tbody, .images tbody, .receipt tbody { break-inside: auto; }
  .images img { min-width: 0; }
}
`;
