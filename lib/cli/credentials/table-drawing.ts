import { type TableUserConfig, table } from 'table'
import type { Colors } from '../terminal/colors.js'

/** A section of the AWS CLI's table: a title and rows under headers. A nested value is a section one level deeper. */
export interface Section {
  readonly title: string | undefined
  readonly level: number
  headers: readonly string[]
  rows: string[][]
}

const PADDING = 4
const EDGES = 2

function contentWidths({ headers, rows }: Section): number[] {
  const lines = [headers, ...rows].filter(line => line.length > 0)
  const columns = Math.max(0, ...lines.map(line => line.length))
  return Array.from({ length: columns }, (_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)))
}

/** The minimum width of a section, including the edges of the sections around it. */
export function widthOf(section: Section): number {
  const outer = EDGES + 2 * section.level
  const columns = contentWidths(section).reduce((sum, width) => sum + width + PADDING, outer)
  return Math.max((section.title ?? '').length + outer, columns)
}

/** Scales the columns to the total width. The rest from rounding is added from the last column, or taken from the first. */
function scaledWidths(section: Section, total: number): number[] {
  const widths = contentWidths(section).map(width => width + PADDING)
  const factor = total / widths.reduce((sum, width) => sum + width, 0)
  const scaled = widths.map(width => roundHalfEven(factor * width))
  let rest = total - scaled.reduce((sum, width) => sum + width, 0)
  for (let at = rest > 0 ? scaled.length - 1 : 0; rest !== 0; at += rest > 0 ? -1 : 1) {
    const column = ((at % scaled.length) + scaled.length) % scaled.length
    const step = Math.sign(rest)
    scaled[column] = (scaled[column] ?? 0) + step
    rest -= step
    if (rest === 0) break
  }
  return scaled
}

// The library rejects control characters such as tabs. Characters for private use replace them, with the width that the AWS CLI assumes.
const PRIVATE_USE = 0xe000
const hideControls = (cell: string): string =>
  cell.replace(/(?!\n)\p{Cc}/gu, letter => String.fromCharCode(PRIVATE_USE + letter.charCodeAt(0)))
const showControls = (drawn: string): string =>
  drawn.replace(/[\ue000-\ue09f]/g, letter => String.fromCharCode(letter.charCodeAt(0) - PRIVATE_USE))

/** Rounds as Python does. */
const roundHalfEven = (value: number): number =>
  value % 1 === 0.5 && Math.floor(value) % 2 === 0 ? Math.floor(value) : Math.round(value)

const BORDER: NonNullable<TableUserConfig['border']> = {
  ...{ topBody: '-', topJoin: '+', topLeft: '+', topRight: '+', bottomBody: '-', bottomJoin: '+' },
  ...{ bottomLeft: '+', bottomRight: '+', bodyLeft: '|', bodyRight: '|', bodyJoin: '|' },
  ...{ joinBody: '-', joinLeft: '+', joinRight: '+', joinJoin: '+' },
}

/** Draws a section with the width of the whole table. */
export function draw(section: Section, total: number, colors: Colors): string {
  const width = total - 2 * section.level
  const lines: string[] = []
  if (section.title) {
    lines.push(`|${centre(section.title, width, 1)}|`)
    if (section.rows.length === 0) lines.push(`+${'-'.repeat(width - EDGES)}+`)
  }
  if (section.rows.some(row => row.length > 0)) {
    // The width of a column includes its right edge, and that of the first one also the left edge.
    const inner = scaledWidths(section, width).map((column, index) => column - (index === 0 ? 2 : 1))
    const head = section.headers.map((header, index) =>
      centre(header, (inner[index] ?? 0) + (index === 0 ? 2 : 1), index === 0 ? 1 : 0),
    )
    const body = section.rows.map(row =>
      inner.map((column, index) => {
        const cell = row[index] ?? ''
        return `${cell.length + PADDING - EDGES <= column ? '  ' : ''}${colors.cell(hideControls(cell))}`
      }),
    )
    const rows = head.length > 0 ? [head, ...body] : body
    const drawn = table(rows, {
      border: BORDER,
      columns: inner.map(column => ({ width: column, paddingLeft: 0, paddingRight: 0 })),
      drawHorizontalLine: (line, count) => line === 0 || line === count || (line === 1 && head.length > 0),
    })
    lines.push(...showControls(drawn).trimEnd().split('\n'))
  }
  const edge = '|'.repeat(section.level)
  return lines.map(line => `${edge}${line}${edge}\n`).join('')
}

/** Centres text as the AWS CLI does, without the edges. `leftEdge` is 1 if the width includes one. */
function centre(text: string, width: number, leftEdge: 0 | 1): string {
  const start = Math.max(0, Math.floor(width / 2) - Math.floor(text.length / 2) - 1)
  return `${' '.repeat(start)}${text}`.padEnd(width - 1 - leftEdge)
}
