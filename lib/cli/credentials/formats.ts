import { stringify } from 'yaml'
import type { Colors } from '../terminal/colors.js'
import { formatTable } from './table.js'
import { formatScalar, isList, isMap, type Value } from './value.js'

export const AWS_FORMATS = ['json', 'text', 'table', 'yaml', 'yaml-stream'] as const
export type AwsFormat = (typeof AWS_FORMATS)[number]

/** Formats a value as the AWS CLI does. */
export function format(kind: AwsFormat, title: string, value: Value, colors: Colors): string {
  switch (kind) {
    case 'json':
      return isEmptyMap(value) ? '' : `${JSON.stringify(value, null, 4)}\n`
    case 'text':
      return formatText(value)
    case 'table':
      return formatTable(title, value, colors)
    case 'yaml':
      return isEmptyMap(value) ? '' : formatYaml(value)
    case 'yaml-stream':
      return isEmptyMap(value) ? '' : formatYaml([value])
  }
}

const isEmptyMap = (value: Value): boolean => isMap(value) && Object.keys(value).length === 0

/** The AWS CLI sorts maps, does not indent lists, and writes a single scalar as JSON. YAML 1.1 quotes times. */
function formatYaml(value: Value): string {
  if (!isMap(value) && !isList(value)) return `${JSON.stringify(value)}\n`
  return stringify(value, {
    version: '1.1',
    indentSeq: false,
    sortMapEntries: true,
    singleQuote: true,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  })
}

/** Values are sorted by key and separated by tabs. Lists start new lines. */
function formatText(value: Value): string {
  const lines: string[] = []
  writeText(lines, value)
  return lines.map(line => `${line}\n`).join('')
}

function writeText(lines: string[], item: Value, name?: string, columns?: readonly string[]): void {
  if (isMap(item)) writeMap(lines, item, name, columns)
  else if (isList(item)) writeList(lines, item, name)
  else lines.push(formatScalar(item))
}

function writeMap(
  lines: string[],
  item: { readonly [key: string]: Value },
  name: string | undefined,
  columns: readonly string[] | undefined,
): void {
  const keys = Object.keys(item).sort()
  const scalarKeys = columns ?? keys.filter(key => !isNested(item[key]))
  const scalars = scalarKeys.map(key => (key in item ? formatScalar(item[key]) : ''))
  if (scalars.length > 0) lines.push([...(name === undefined ? [] : [name.toUpperCase()]), ...scalars].join('\t'))
  for (const key of keys) {
    const value = item[key]
    if (value !== undefined && !scalarKeys.includes(key)) writeText(lines, value, key)
  }
}

function writeList(lines: string[], items: readonly Value[], name: string | undefined): void {
  if (items.some(isMap)) {
    const keys = items.filter(isMap).flatMap(item => Object.keys(item).filter(key => !isNested(item[key])))
    const columns = [...new Set(keys)].sort()
    for (const item of items) writeText(lines, item, name, columns)
    return
  }
  const scalars = items.filter(item => !isNested(item)).map(formatScalar)
  if (scalars.length > 0) {
    if (name === undefined) lines.push(scalars.join('\t'))
    else for (const scalar of scalars) lines.push(`${name.toUpperCase()}\t${scalar}`)
  }
  for (const item of items) if (isNested(item)) writeText(lines, item, name)
}

const isNested = (value: Value | undefined): value is Exclude<Value, string | number | boolean | null> =>
  value !== undefined && (isMap(value) || isList(value))
