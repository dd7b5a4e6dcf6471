import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { startEmulator } from '../support/emulator.js'
import { runExample } from '../support/example.js'
import { codeBlocks } from '../support/markdown.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = '.cache/readme'

describe('README', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const [first, second] = codeBlocks(readme, 'ts')
  let emulator: RedshiftEmulator

  before(async () => {
    emulator = await startEmulator()
    mkdirSync(join(root, folder), { recursive: true })
  })
  after(async () => {
    rmSync(join(root, folder), { recursive: true })
    await emulator.close()
  })

  const run = (name: string, code: string) => {
    writeFileSync(join(root, folder, name), code)
    return runExample(`${folder}/${name}`, emulator)
  }

  it('has its first example within the first 25 lines', () => {
    expect(first?.lastLine).to.be.at.most(25)
  })

  it('has a first example that works unchanged', async () => {
    const { code, stdout, stderr } = await run('first.ts', first?.code ?? '')
    expect(stderr).to.equal('')
    expect(stdout).to.equal("[ { current_user: 'alice' } ]\n")
    expect(code).to.equal(0)
    expect(emulator.calls.map(call => call.operation)).to.deep.equal(['GetClusterCredentials'])
  })

  it('has a second example that works if AWS chooses the user', async () => {
    const { code, stdout, stderr } = await run(
      'second.ts',
      `${second?.code}\nconsole.log((await pool.query('select current_user')).rows)\nawait pool.end()\n`,
    )
    expect(stderr).to.equal('')
    expect(stdout).to.equal("[ { current_user: 'IAMR:analyst' } ]\n")
    expect(code).to.equal(0)
  })

  it('lists every option, and no other', () => {
    const documented = [...readme.matchAll(/^\| (`[^|]+`) \|/gm)]
      .flatMap(([, names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name))
      .filter(name => name !== 'password')
    const source = readFileSync(join(root, 'lib/options.ts'), 'utf8')
    const options = [...source.matchAll(/^ {2}(\w+)\?: /gm)].map(([, name]) => name)
    expect([...new Set(documented)].sort()).to.deep.equal([...new Set(options)].sort())
  })
})
