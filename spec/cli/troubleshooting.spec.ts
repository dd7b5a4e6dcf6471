import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { CREDENTIAL_FAILURES } from '../../lib/aws/credentials/all-failures.js'
import { HELP } from '../../lib/cli/help.js'
import { STEP_EXIT_CODES } from '../../lib/cli/terminal/exit-codes.js'
import { credentialMessages } from '../support/credential-messages.js'
import { headingAnchors } from '../support/markdown.js'
import { messagesBelow } from '../support/messages.js'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** The pattern of a row's message, in which `…` stands for any value. */
const patternOf = (row: string): RegExp =>
  new RegExp(
    `^${row
      .split('…')
      .map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}`,
  )

/** The messages in the first cell of a row: one or several, each with or without its code. */
const messagesOf = (cell: string): string[] => {
  const text = cell.replaceAll('`', '')
  return [text, ...text.split('; '), text.replace(/^[^:]*: /, '')].filter(message => /[^…]{4}/.test(message))
}

describe('docs/troubleshooting.md', () => {
  const page = read('docs/troubleshooting.md')
  const anchors = headingAnchors(page)
  const errors = read('lib/errors.ts')

  it('has the section that each error code links to', () => {
    const codes = [...errors.matchAll(/^ {2}\| '(ERR_REDSHIFT_\w+)'/gm)].map(([, code = '']) => code)
    expect(codes).to.have.length.above(10)
    for (const code of codes) {
      expect(anchors).to.include(code.toLowerCase())
      expect(errors).to.include(`docs/troubleshooting.md#${code.toLowerCase()}`)
    }
  })

  it('has a row for every message in the sources, or a section if the code has only one cause', () => {
    const rows = [...page.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell = '']) => messagesOf(cell)).map(patternOf)
    const sections = page.split(/^###? /m).filter(section => !section.includes('\n| '))
    const missing = messagesBelow(fileURLToPath(new URL('../../lib', import.meta.url))).filter(
      ({ code, text }) =>
        /[^…]{4}/.test(text) &&
        !rows.some(row => row.test(text)) &&
        !(code !== '' && sections.some(section => section.startsWith(`${code}\n`))),
    )
    expect(missing).to.deep.equal([])
  })

  it('has the messages of AWS and the SDK if AWS credentials cannot be loaded', () => {
    expect(CREDENTIAL_FAILURES.map(({ failure }) => failure)).to.have.members(Object.keys(credentialMessages))
    for (const message of Object.values(credentialMessages)) expect(page).to.include(`\`${message}`)
  })

  it('has the section that check links to after all steps have passed', () => {
    expect(anchors).to.include('check-passes-my-program-fails')
    const [, section = ''] = /## `check` passes, my program fails\n([\s\S]+?)\n## /.exec(page) ?? []
    for (const message of [
      '28000 password authentication failed for user',
      'no PostgreSQL user name specified in startup',
    ])
      expect(section).to.include(message)
    for (const cause of ['no `ssl`', '`connectionString`', 'no user', 'without a prefix', 'another environment'])
      expect(section).to.include(cause)
  })

  it('has a section and an exit code for every step of check, and so has its help', () => {
    for (const [step, code] of Object.entries(STEP_EXIT_CODES)) {
      expect(anchors).to.include(`step-${step}`)
      expect(page).to.include(`| ${code} | [${step}](#step-${step}) |`)
      expect(HELP.check.replace(/\s+/g, ' ')).to.include(`${step} ${code}`)
    }
  })
})
