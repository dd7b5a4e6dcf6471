/** The SVG elements that the pictures need, without fonts and scripts. */

const escaped = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

const attributes = (values: Readonly<Record<string, string | number>>): string =>
  Object.entries(values)
    .map(([name, value]) => ` ${name}="${typeof value === 'number' ? Math.round(value * 10) / 10 : escaped(value)}"`)
    .join('')

type Attributes = Readonly<Record<string, string | number>>

export const text = (x: number, y: number, content: string, more: Attributes = {}): string =>
  `<text${attributes({ x, y, ...more })}>${escaped(content)}</text>`

export const rect = (x: number, y: number, width: number, height: number, fill: string): string =>
  `<rect${attributes({ x, y, width, height, fill })}/>`

export const line = (x1: number, y1: number, x2: number, y2: number, stroke: string): string =>
  `<path${attributes({ d: `M${round(x1)} ${round(y1)}L${round(x2)} ${round(y2)}`, stroke, fill: 'none' })}/>`

/** A line through points. */
export const polyline = (points: readonly (readonly [number, number])[], stroke: string): string =>
  `<polyline${attributes({ points: points.map(([x, y]) => `${round(x)},${round(y)}`).join(' '), stroke, fill: 'none', 'stroke-width': 1.5 })}/>`

/** Vertical strokes from a base line, in one path. */
export const strokes = (
  base: number,
  points: readonly (readonly [number, number])[],
  stroke: string,
  width: number,
): string =>
  `<path${attributes({ d: points.map(([x, y]) => `M${round(x)} ${round(base)}V${round(y)}`).join(''), stroke, fill: 'none', 'stroke-width': width })}/>`

const round = (value: number): number => Math.round(value * 10) / 10

/** A picture with a white background, readable on dark pages too. */
export const picture = (
  width: number,
  height: number,
  title: string,
  description: string,
  body: readonly string[],
): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="12" role="img" aria-labelledby="t d">`,
    `<title id="t">${escaped(title)}</title>`,
    `<desc id="d">${escaped(description)}</desc>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#ffffff"/>`,
    text(24, 30, title, { 'font-size': 16, 'font-weight': 600, fill: '#333333' }),
    ...body,
    '</svg>',
    '',
  ].join('\n')
