const opaque =
  /\b[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\$(\w*)\$[\s\S]*?\$\1\$/g

/** SQL without what patterns must not see, in the same length: the content of strings and quoted names, and comments. */
export function masked(sql: string): string {
  return sql.replace(opaque, found => {
    const inside = ' '.repeat(Math.max(0, found.length - 2))
    if (found.startsWith('"')) return `"${inside.replaceAll(' ', 'x')}"`
    return found.startsWith("'") ? `'${inside}'` : ' '.repeat(found.length)
  })
}

/** The statements of a query, trimmed: as they are written, and masked. */
export function statements(sql: string): { readonly text: string; readonly masked: string }[] {
  const found: { text: string; masked: string }[] = []
  let from = 0
  for (const part of masked(sql).split(';')) {
    const indent = part.length - part.trimStart().length
    const trimmed = part.trim()
    const text = sql.slice(from + indent, from + indent + trimmed.length)
    if (trimmed !== '') found.push({ text, masked: trimmed })
    from += part.length + 1
  }
  return found
}
