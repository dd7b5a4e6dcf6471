const MAX_WIDTH = 100

/** Breaks text for stderr between words, if stderr is a terminal. Otherwise lines stay whole, for `grep`. */
export function wrap(text: string, indent: string): string {
  const { isTTY, columns } = process.stderr
  const width = isTTY ? Math.min(columns, MAX_WIDTH) : Number.POSITIVE_INFINITY
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
