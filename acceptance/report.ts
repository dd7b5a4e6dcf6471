import type { Finding, Verdict } from './question.js'

/** Escapes a table cell. Markdown would omit `<host>` as an unknown tag. */
export const cell = (text: string): string => text.replaceAll('<', '&lt;').replaceAll('|', '\\|').replace(/\s+/g, ' ')

const row = (...cells: string[]): string => `| ${cells.map(cell).join(' | ')} |`

const count = (findings: readonly Finding[], verdict: Verdict): number =>
  findings.filter(finding => finding.verdict === verdict).length

/** The results as a Markdown page. */
export function toMarkdown(title: string, findings: readonly Finding[]): string {
  const lines = [
    `# ${title}`,
    '',
    `${count(findings, 'as expected')} as expected, ${count(findings, 'other than expected')} other than expected, ` +
      `${count(findings, 'not asked')} not asked.`,
    '',
    row('question', 'verdict', 'answer', 'expected'),
    '| --- | --- | --- | --- |',
    ...findings.map(({ question, verdict, answer, expected }) =>
      row(question.asks, verdict === 'other than expected' ? `**${verdict}**` : verdict, answer, expected),
    ),
  ]
  const others = findings.filter(({ verdict }) => verdict === 'other than expected')
  if (others.length > 0) lines.push('', '## What to change', '')
  for (const finding of others) lines.push(`- ${cell(remedy(finding))}`)
  return `${lines.join('\n')}\n`
}

/** The results as JSON. */
export const toJson = (title: string, findings: readonly Finding[]): string =>
  `${JSON.stringify(
    {
      title,
      findings: findings.map(({ question, verdict, answer, expected }) => ({
        id: question.id,
        verdict,
        answer,
        expected,
        rule: question.rule,
      })),
    },
    undefined,
    2,
  )}\n`

/** A finding as one line. */
export function toLine({ question, verdict, answer }: Finding): string {
  const why = verdict === 'as expected' ? '' : `: ${answer}`
  return `${verdict.padEnd(20)}${question.id}${why}`
}

/** What to change after an unexpected answer. */
export const remedy = ({ question, answer, expected }: Finding): string =>
  `${question.id}: expected “${expected}”, got “${answer}”. The rule “${question.rule.text}” (${question.rule.file}) depends on it. ` +
  `Change ${question.change}.`
