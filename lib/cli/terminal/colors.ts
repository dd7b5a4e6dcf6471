import { styleText } from 'node:util'

/** Functions that colour text, or return it unchanged. */
export interface Colors {
  success(text: string): string
  failure(text: string): string
  faint(text: string): string
  /** A cell of a table, coloured as by the AWS CLI. */
  cell(text: string): string
}

/** Returns the colours for `--color`. `auto` colours the output of a terminal, unless `NO_COLOR` is set. https://no-color.org */
export function colorsFor(color: 'on' | 'off' | 'auto', stream: { readonly isTTY?: boolean }): Colors {
  const enabled = color === 'on' || (color === 'auto' && stream.isTTY === true && !process.env.NO_COLOR)
  const style = (format: Parameters<typeof styleText>[0]) => (text: string) =>
    enabled ? styleText(format, text, { validateStream: false }) : text
  return { success: style('green'), failure: style('red'), faint: style('dim'), cell: style(['bold', 'blue']) }
}
