const MAX_WIDTH = 100
const DEFAULT_WIDTH = 80

/** The width of an output. Some terminals report 0 columns, for example in containers. Other outputs have no width. */
export const terminalWidth = ({ columns }: { readonly columns?: number }): number => columns || DEFAULT_WIDTH

/** Breaks text for stderr between words, if stderr is a terminal. Otherwise lines stay whole, for `grep`. */
export function wrap(text: string, indent: string): string {
  const { stderr } = process
  const width = stderr.isTTY ? Math.min(terminalWidth(stderr), MAX_WIDTH) : Number.POSITIVE_INFINITY
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = indent
    for (const word of paragraph.split(' ')) {
      if (line !== indent && line.length + 1 + word.length > width) {
        lines.push(line)
        line = indent
      }
      line += line === indent ? word : ` ${word}`
    }
    lines.push(line)
  }
  return lines.join('\n')
}
