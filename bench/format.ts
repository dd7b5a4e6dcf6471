import type { Check, Figure, Unit } from './bench.js'

/** A readable value: three digits are enough, whole numbers have no decimals. */
export function formatValue(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return '–'
  if (unit === '×' && value < 0.1) return `1/${Math.round(1 / value)} ×`
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2
  const text = value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
  // The column names the unit of counts.
  return unit === 'connections' || unit === 'calls' || unit === 'commands' ? text : `${text} ${unit}`
}

const formatFigure = ({ value, also, unit }: Figure): string =>
  also === undefined ? formatValue(value, unit) : `${formatValue(value, unit)} (${formatValue(also, unit)})`

export const formatTarget = ({ relation, limit, unit }: Check): string => `${relation} ${formatValue(limit, unit)}`

/** Rows of cells. The first row is the header. */
export type Table = readonly (readonly string[])[]

/** The tables of these figures. */
export function tablesOf(figures: readonly Figure[]): Table[] {
  const groups = [...new Set(figures.map(({ table }) => table))]
  return groups.map(group => tableOf(figures.filter(({ table }) => table === group)))
}

/** Figures as a table with subjects as rows and metrics as columns, or vice versa, whichever is narrower. */
function tableOf(figures: readonly Figure[]): Table {
  const subjects = [...new Set(figures.map(({ subject }) => subject))]
  const metrics = [...new Set(figures.map(({ metric }) => metric))]
  const cell = (subject: string, metric: string): string => {
    const figure = figures.find(candidate => candidate.subject === subject && candidate.metric === metric)
    return figure ? formatFigure(figure) : ''
  }
  return metrics.length <= subjects.length + 2
    ? [['', ...metrics], ...subjects.map(subject => [subject, ...metrics.map(metric => cell(subject, metric))])]
    : [['', ...subjects], ...metrics.map(metric => [metric, ...subjects.map(subject => cell(subject, metric))])]
}

/** A table for a terminal. */
export function plainTable(table: Table): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map(row => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')
  return table.map(row => line(row).trimEnd()).join('\n')
}

/** A table in Markdown. */
export function markdownTable([head = [], ...rows]: Table): string {
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |`
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n')
}
