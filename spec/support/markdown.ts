/** A fenced block of code in Markdown. */
export interface CodeBlock {
  readonly language: string
  readonly code: string
  /** The line of the closing fence, counted from 1. */
  readonly lastLine: number
}

/** The fenced blocks of a language, in order. */
export const codeBlocks = (markdown: string, language: string): CodeBlock[] =>
  [...markdown.matchAll(/^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm)]
    .map(({ 0: text, 1: name = '', 2: code = '', index }) => ({
      language: name,
      code,
      lastLine: markdown.slice(0, index + text.length).split('\n').length,
    }))
    .filter(block => block.language === language)

const withoutCode = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '')

/** The targets of links and pictures. */
export const links = (markdown: string): string[] =>
  [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"/g)].map(
    ([, inline, html]) => inline ?? html ?? '',
  )

/** The anchors that GitHub generates for headings. */
export function headingAnchors(markdown: string): Set<string> {
  const anchors = new Set([...markdown.matchAll(/<a (?:id|name)="([^"]+)"/g)].map(([, id = '']) => id))
  for (const [, heading = ''] of markdown.replace(/^```[\s\S]*?^```$/gm, '').matchAll(/^#+ (.+)$/gm)) {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    let anchor = slug
    for (let copy = 1; anchors.has(anchor); copy++) anchor = `${slug}-${copy}`
    anchors.add(anchor)
  }
  return anchors
}
