import type { Colors } from '../terminal/colors.js'
import { terminalWidth } from '../terminal/wrap.js'
import { draw, type Section, widthOf } from './table-drawing.js'
import { formatScalar, isList, isMap, type Value } from './value.js'

/** Formats a value exactly as the AWS CLI's `--output table`. */
export function formatTable(title: string, value: Value, colors: Colors): string {
  const sections: Section[] = []
  if (!build(sections, title, value, 0)) return ''
  const width = (): number => Math.max(...sections.map(widthOf))
  if (width() > terminalWidth(process.stdout)) for (const section of sections) transpose(section)
  return `${'-'.repeat(width())}\n${sections.map(section => draw(section, width(), colors)).join('')}`
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
      if (!isList(item) && !isMap(item)) section.rows.push([formatScalar(item)])
      else if (isList(item) && !item.some(part => isList(part) || isMap(part)))
        section.rows.push(item.map(formatScalar))
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
    current.rows.push(headers.map(key => (key in item ? formatScalar(item[key]) : '')))
    for (const key of nested) build(sections, key, item[key] ?? null, section.level + 1)
  })
}

function buildMap(sections: Section[], section: Section, item: { readonly [key: string]: Value }): void {
  const [headers, nested] = splitKeys([item])
  const values = headers.map(key => formatScalar(item[key]))
  if (headers.length === 1) section.rows.push([...headers, ...values])
  else if (headers.length > 0) {
    section.headers = headers
    section.rows.push(values)
  }
  for (const key of nested) build(sections, key, item[key] ?? null, section.level + 1)
}

/** Returns the keys of scalars and those of nested values, sorted. */
function splitKeys(maps: readonly { readonly [key: string]: Value }[]): [string[], string[]] {
  const keys = [...new Set(maps.flatMap(item => Object.keys(item)))].sort()
  const isNested = (key: string) => maps.some(item => isList(item[key] ?? null) || isMap(item[key] ?? null))
  return [keys.filter(key => !isNested(key)), keys.filter(isNested)]
}

/** Turns a single row into a column beside its headers, for a table that is wider than the terminal. */
function transpose(section: Section): void {
  const [row, ...others] = section.rows
  if (!row || others.length > 0 || section.headers.length === 0) return
  section.rows = section.headers.map((header, index) => [header, row[index] ?? ''])
  section.headers = []
}
