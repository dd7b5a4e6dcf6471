const opaque =
  /\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\1\$/g

/** Overwrites strings, quoted names and comments, so that patterns do not match inside them. The length stays the same. */
export function masked(sql: string): string {
  return sql.replace(opaque, found => {
    const inside = ' '.repeat(Math.max(0, found.length - 2))
    if (found.startsWith('"')) return `"${inside.replaceAll(' ', 'x')}"`
    return found.startsWith("'") ? `'${inside}'` : ' '.repeat(found.length)
  })
}

/** One statement of a query, trimmed: as it was written, and masked. */
export interface Statement {
  readonly sql: string
  readonly masked: string
}

export function statements(query: string): Statement[] {
  const found: Statement[] = []
  let from = 0
  for (const part of masked(query).split(';')) {
    const indent = part.length - part.trimStart().length
    const trimmed = part.trim()
    const sql = query.slice(from + indent, from + indent + trimmed.length)
    if (trimmed !== '') found.push({ sql, masked: trimmed })
    from += part.length + 1
  }
  return found
}
