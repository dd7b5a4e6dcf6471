import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { build } from 'esbuild'
import { codeBlocks } from '../support/markdown.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/testing.md'), 'utf8')
const vitest = join(root, 'node_modules/vitest/vitest.mjs')

/** Not below node_modules, where Vitest finds no tests. */
const folder = join(root, '.cache/testing-docs')

describe('docs/testing.md', () => {
  before(() => mkdirSync(folder, { recursive: true }))
  after(() => rmSync(folder, { recursive: true, force: true }))

  /** The page's code as plain JavaScript that uses this project's sources, and the server that the run shares. */
  const written = async (name: string, code: string): Promise<string> => {
    const source = join(folder, `${name}.source.${name.endsWith('.test') ? 'js' : 'ts'}`)
    writeFileSync(source, code)
    await build({
      entryPoints: [source],
      outfile: join(folder, `${name}.mjs`),
      absWorkingDir: root,
      bundle: true,
      packages: 'external',
      alias: { 'pg-redshift-iam/emulator': join(root, 'spec/support/shared-emulator.ts') },
      platform: 'node',
      format: 'esm',
      target: 'node20',
      logLevel: 'error',
    })
    return join(folder, `${name}.mjs`)
  }

  const run = (parameters: readonly string[]) =>
    promisify(execFile)(process.execPath, parameters, {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        HOME: folder,
        REDSHIFT_EMULATOR_POSTGRES: process.env.REDSHIFT_EMULATOR_POSTGRES,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
    }).catch((error: { stdout: string; stderr: string }) => {
      throw new Error(`${error.stdout}\n${error.stderr}`)
    })

  const tests = codeBlocks(page, 'js')
  const numbered = tests.map(({ code }, index) => ({ code, name: `recipe-${index + 1}` }))

  it("has three tests that pass unchanged with node's test runner", async () => {
    expect(tests).to.have.lengthOf(3)
    const files = await Promise.all(numbered.map(({ code, name }) => written(`${name}.node.test`, code)))
    const { stdout } = await run(['--test', '--test-reporter=tap', ...files])
    expect(stdout)
      .to.match(/^# pass 4$/m)
      .and.match(/^# fail 0$/m)
  })

  it('has the same tests for Vitest, with the import on the page', async () => {
    const [, other] = /`(import [^`]+ from 'vitest')`/.exec(page) ?? []
    for (const { code, name } of numbered) {
      const changed = code.replace(/^import .+ from 'node:test'$/m, other ?? '')
      expect(changed).not.to.equal(code)
      await written(`${name}.vitest.test`, changed)
    }
    const { stdout } = await run([vitest, 'run', '--root', folder, '--no-color', 'vitest.test'])
    expect(stdout).to.match(/Tests +4 passed \(4\)/)
  })

  it('has an example for each entry point, with its real output', async () => {
    const examples = codeBlocks(page, 'ts')
    const printed = await Promise.all(
      examples.map(async ({ code }, index) => {
        expect(code).not.to.include('await using')
        const { stdout, stderr } = await run([await written(`entry-${index}`, code)])
        expect(stderr).to.equal('')
        return stdout
      }),
    )
    expect(printed).to.deep.equal(examples.map(({ code }) => `${/^console\.log\(.*\) \/\/ (.+)$/m.exec(code)?.[1]}\n`))
    const named = examples.map(({ code }) => /redshift\w+(?=\()|RedshiftPool(?=\()/.exec(code)?.[0])
    expect(named).to.deep.equal([
      'redshiftPassword',
      'RedshiftPool',
      'redshiftPoolOptions',
      'redshiftKnexConnection',
      'redshiftBeforeConnect',
    ])
  })
})
