import { type TableUserConfig, table } from 'table'
import { isList, isMap, scalarText, type Value } from './formats.js'
import type { Paint } from './terminal.js'

/** A part of the AWS CLI's table: a title line, and rows under headers. Nested values make sections of their own, one level in. */
interface Section {
  readonly title: string | undefined
  readonly level: number
  headers: readonly string[]
  rows: string[][]
}

const PADDING = 4
const EDGES = 2

/** A value as the AWS CLI's `--output table` prints it, to the blank. */
export function formatTable(title: string, value: Value, paint: Paint): string {
  const sections: Section[] = []
  if (!build(sections, title, value, 0)) return ''
  const terminal = process.stdout.isTTY ? process.stdout.columns : 80
  const width = (): number => Math.max(...sections.map(widthOf))
  if (width() > terminal) for (const section of sections) turnUpright(section)
  return `${'-'.repeat(width())}\n${sections.map(section => draw(section, width(), paint)).join('')}`
}

function build(sections: Section[], title: string | undefined, value: Value, level: number): boolean {
  if (!value || (isList(value) && value.length === 0) || (isMap(value) && Object.keys(value).length === 0)) return false
  const current = sections.at(-1)
  const section = title === undefined && current ? current : { title, level, headers: [], rows: [] }
  if (section !== current) sections.push(section)
  if (isMap(value)) buildMap(sections, section, value)
  else if (isList(value)) buildList(sections, section, value)
  return true
}

function buildList(sections: Section[], section: Section, items: readonly Value[]): void {
  const maps = items.filter(isMap)
  if (!items[0] || !isMap(items[0])) {
    for (const item of items) {
      if (!isList(item) && !isMap(item)) section.rows.push([scalarText(item)])
      else if (isList(item) && !item.some(part => isList(part) || isMap(part))) section.rows.push(item.map(scalarText))
      else build(sections, undefined, item, section.level)
    }
    return
  }
  const [headers, nested] = splitKeys(maps)
  let current = section
  maps.forEach((item, index) => {
    if (index > 0 && nested.length > 0) {
      current = { ...section, rows: [] }
      sections.push(current)
    }
    current.headers = headers
    current.rows.push(headers.map(key => (key in item ? scalarText(item[key]) : '')))
    for (const key of nested) build(sections, key, item[key] ?? null, section.level + 1)
  })
}

function buildMap(sections: Section[], section: Section, item: { readonly [key: string]: Value }): void {
  const [headers, nested] = splitKeys([item])
  const values = headers.map(key => scalarText(item[key]))
  if (headers.length === 1) section.rows.push([...headers, ...values])
  else if (headers.length > 0) {
    section.headers = headers
    section.rows.push(values)
  }
  for (const key of nested) build(sections, key, item[key] ?? null, section.level + 1)
}

/** Keys of scalars, and of what is nested, sorted. */
function splitKeys(maps: readonly { readonly [key: string]: Value }[]): [string[], string[]] {
  const keys = [...new Set(maps.flatMap(item => Object.keys(item)))].sort()
  const isNested = (key: string) => maps.some(item => isList(item[key] ?? null) || isMap(item[key] ?? null))
  return [keys.filter(key => !isNested(key)), keys.filter(isNested)]
}

/** Too wide for the terminal: a single row becomes a column, its headers beside it. */
function turnUpright(section: Section): void {
  const [row, ...others] = section.rows
  if (!row || others.length > 0 || section.headers.length === 0) return
  section.rows = section.headers.map((header, index) => [header, row[index] ?? ''])
  section.headers = []
}

function contentWidths({ headers, rows }: Section): number[] {
  const lines = [headers, ...rows].filter(line => line.length > 0)
  const columns = Math.max(0, ...lines.map(line => line.length))
  return Array.from({ length: columns }, (_, column) => Math.max(...lines.map(line => (line[column] ?? '').length)))
}

function widthOf(section: Section): number {
  const outer = EDGES + 2 * section.level
  const columns = contentWidths(section).reduce((sum, width) => sum + width + PADDING, outer)
  return Math.max((section.title ?? '').length + outer, columns)
}

/** Spreads the columns over the whole width, in proportion, and the rounding's rest from the ends. */
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

/** As Python rounds. */
const roundHalfEven = (value: number): number =>
  value % 1 === 0.5 && Math.floor(value) % 2 === 0 ? Math.floor(value) : Math.round(value)

const BORDER: NonNullable<TableUserConfig['border']> = {
  ...{ topBody: '-', topJoin: '+', topLeft: '+', topRight: '+', bottomBody: '-', bottomJoin: '+' },
  ...{ bottomLeft: '+', bottomRight: '+', bodyLeft: '|', bodyRight: '|', bodyJoin: '|' },
  ...{ joinBody: '-', joinLeft: '+', joinRight: '+', joinJoin: '+' },
}

function draw(section: Section, total: number, paint: Paint): string {
  const width = total - 2 * section.level
  const lines: string[] = []
  if (section.title) {
    lines.push(`|${centred(section.title, width, 1)}|`)
    if (section.rows.length === 0) lines.push(`+${'-'.repeat(width - EDGES)}+`)
  }
  if (section.rows.length > 0) {
    // A column's width counts its right edge, the first one's the left edge too.
    const inner = scaledWidths(section, width).map((column, index) => column - (index === 0 ? 2 : 1))
    const head = section.headers.map((header, index) =>
      centred(header, (inner[index] ?? 0) + (index === 0 ? 2 : 1), index === 0 ? 1 : 0),
    )
    const body = section.rows.map(row =>
      inner.map((column, index) => {
        const cell = row[index] ?? ''
        return `${cell.length + PADDING - EDGES <= column ? '  ' : ''}${paint.cell(cell)}`
      }),
    )
    const rows = head.length > 0 ? [head, ...body] : body
    const drawn = table(rows, {
      border: BORDER,
      columns: inner.map(column => ({ width: column, paddingLeft: 0, paddingRight: 0 })),
      drawHorizontalLine: (line, count) => line === 0 || line === count || (line === 1 && head.length > 0),
    })
    lines.push(...drawn.trimEnd().split('\n'))
  }
  const edge = '|'.repeat(section.level)
  return lines.map(line => `${edge}${line}${edge}\n`).join('')
}

/** Text in the middle as the AWS CLI reckons it, without the edges. `leftEdge` is 1 where the width counts one. */
function centred(text: string, width: number, leftEdge: 0 | 1): string {
  const start = Math.max(0, Math.floor(width / 2) - Math.floor(text.length / 2) - 1)
  return `${' '.repeat(start)}${text}`.padEnd(width - 1 - leftEdge)
}
