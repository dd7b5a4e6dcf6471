import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { startEmulator } from './support/emulator.js'
import { runExample } from './support/example.js'
import { codeBlocks } from './support/markdown.js'

const root = fileURLToPath(new URL('..', import.meta.url))
const folder = '.cache/health-check'

describe('The health check of docs/observability.md', function () {
  this.timeout(60_000)

  before(() => {
    const page = readFileSync(join(root, 'docs/observability.md'), 'utf8')
    const { code } = codeBlocks(page, 'ts').find(block => block.code.includes('healthy')) ?? {}
    mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(join(root, folder, 'check.ts'), `${code}\nconsole.log(await healthy())\n`)
  })
  after(() => rmSync(join(root, folder), { recursive: true }))

  it('tells whether there is a login, and lets the process end', async () => {
    await using up = await startEmulator()
    await using down = await startEmulator()
    down.fail({ kind: 'access-denied' })
    const env = { REDSHIFT_HOST: up.poolConfig().host }
    const ends = await Promise.all([up, down].map(emulator => runExample(`${folder}/check.ts`, emulator, { env })))
    const end = { code: 0, signal: null, stderr: '' }
    expect(ends).to.deep.equal([
      { ...end, stdout: 'true\n' },
      { ...end, stdout: 'false\n' },
    ])
    expect([up, down].map(({ calls }) => calls.length)).to.deep.equal([1, 1])
  })
})
