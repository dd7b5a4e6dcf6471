import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { compiled } from '../support/compiled.js'
import { startEmulator } from '../support/emulator.js'
import { codeBlocks } from '../support/markdown.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/emulator.md'), 'utf8')

describe('docs/emulator.md', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'emulator-docs-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))

  /** Runs a program without this process's environment and without AWS profiles. */
  const run = (file: string, env: Readonly<Record<string, string>> = {}) =>
    promisify(execFile)(process.execPath, [compiled(file)], {
      cwd: root,
      env: { PATH: process.env.PATH, HOME: home, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true', ...env },
    })

  it('has a first example that runs as written', async () => {
    const [first] = codeBlocks(page, 'ts')
    const folder = '.cache/emulator-docs'
    mkdirSync(join(root, folder), { recursive: true })
    try {
      writeFileSync(join(root, folder, 'first.ts'), first?.code ?? '')
      const expected = [...(first?.code ?? '').matchAll(/console\.log\(.*\) \/\/ (.+)$/gm)].map(([, output]) => output)
      expect(expected).to.have.lengthOf(2)
      const { stdout, stderr } = await run(`${folder}/first.ts`)
      expect(stderr).to.equal('')
      expect(stdout).to.equal(`${expected.join('\n')}\n`)
    } finally {
      rmSync(join(root, folder), { recursive: true })
    }
  })

  it('lists the variables that connect an unchanged program to the emulator', async () => {
    await using emulator = await startEmulator()
    const ca = join(home, 'ca.pem')
    writeFileSync(ca, emulator.ca)
    const env = emulator.environment(ca)
    const [, table = ''] = page.split(/^\| variable \| value \|$/m)
    const cells = [...table.matchAll(/^\| (`[A-Z_`, ]+`) \|/gm)].map(([, cell = '']) => cell)
    expect(cells.flatMap(cell => cell.match(/[A-Z_]+/g))).to.have.members(Object.keys(env))
    const { stdout, stderr } = await run('spec/programs/environment.ts', env)
    expect(stderr).to.equal('')
    expect(stdout).to.equal('IAMR:analyst\nIAMR:analyst\n')
    expect(emulator.calls.map(({ operation }) => operation)).to.deep.equal([
      'GetClusterCredentialsWithIAM',
      'GetCredentials',
    ])
  })
})
