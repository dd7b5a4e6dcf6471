import { readFileSync } from 'node:fs'
import { expect } from 'chai'
import { STEP_EXIT_CODES } from '../lib/cli/exit-codes.js'
import { HELP } from '../lib/cli/help.js'
import { headingAnchors } from './support/markdown.js'

const read = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

describe('docs/troubleshooting.md', () => {
  const page = read('docs/troubleshooting.md')
  const anchors = headingAnchors(page)
  const errors = read('lib/errors.ts')

  it('has a section for every error code, to which the code links', () => {
    const codes = [...errors.matchAll(/^ {2}\| '(ERR_REDSHIFT_\w+)'/gm)].map(([, code = '']) => code)
    expect(codes).to.have.length.above(10)
    for (const code of codes) {
      expect(anchors).to.include(code.toLowerCase())
      expect(errors).to.include(`docs/troubleshooting.md#${code.toLowerCase()}`)
    }
  })

  it('has a section and an exit code for every step of check, as its help has', () => {
    for (const [step, code] of Object.entries(STEP_EXIT_CODES)) {
      expect(anchors).to.include(`step-${step}`)
      expect(page).to.include(`| ${code} | [${step}](#step-${step}) |`)
      expect(HELP.check.replace(/\s+/g, ' ')).to.include(`${step} ${code}`)
    }
  })
})
