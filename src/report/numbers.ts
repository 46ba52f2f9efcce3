// Formats numbers for people.
/** A number for people: `digits` significant digits, k and M for large numbers, powers of ten at the extremes. */
export function formatNumber(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'not a number' : value > 0 ? '∞' : '−∞';
  if (value === 0) return '0';
  const size = Math.abs(value);
  let text: string;
  if (size >= 1e9 || size < 1e-4)
    text = value
      .toExponential(2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  else if (size >= 1e6) text = `${trim(value / 1e6, digits)}M`;
  else if (size >= 1e4) text = `${trim(value / 1e3, digits)}k`;
  else text = trim(value, digits);
  return text.replaceAll('-', '−');
}

function trim(value: number, digits: number): string {
  return String(Math.abs(value) >= 10 ** digits ? Math.round(value) : Number(value.toPrecision(digits)));
}
