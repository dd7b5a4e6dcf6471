import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { RedshiftEmulator } from '../../lib/emulator/index.js'
import { buildLibrary } from '../../scripts/build-library.js'
import { startEmulator } from '../support/emulator.js'
import { Example } from '../support/example.js'
import { codeBlocks } from '../support/markdown.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const page = readFileSync(join(root, 'docs/aws-credentials.md'), 'utf8')
const commands = codeBlocks(page, 'sh').map(({ code }) => code)

function kindOf(command: string): string {
  if (command.includes('--external:@aws-sdk')) return 'external SDK'
  if (command.includes('--splitting')) return 'several ES modules'
  return command.includes('--format=esm') ? 'ES module' : 'CommonJS'
}

describe('The Lambda handler of docs/aws-credentials.md', () => {
  /** A user's folder with the package installed. Below the project, so that it finds pg and the SDK. */
  let folder: string
  let emulator: RedshiftEmulator
  before(async () => {
    emulator = await startEmulator()
    folder = mkdtempSync(join(root, 'node_modules/.pg-redshift-iam-lambda-'))
    const installed = join(folder, 'node_modules/pg-redshift-iam')
    await buildLibrary(join(installed, 'dist'))
    symlinkSync(join(root, 'package.json'), join(installed, 'package.json'))
    writeFileSync(join(folder, 'package.json'), '{}')
    const handler = codeBlocks(page, 'ts').find(({ code }) => code.includes('function handler'))
    writeFileSync(join(folder, 'handler.ts'), handler?.code ?? '')
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await emulator.close()
  })

  it('has four commands for esbuild', () => {
    expect(commands.filter(command => command.startsWith('npx esbuild handler.ts'))).to.have.lengthOf(4)
  })

  for (const [index, command] of commands.entries())
    it(`is bundled, responds, and survives the loss of its idle connection: ${kindOf(command)}`, async () => {
      const place = join(folder, `project-${index}`)
      mkdirSync(place)
      for (const name of ['handler.ts', 'package.json'])
        writeFileSync(join(place, name), readFileSync(join(folder, name)))
      const esbuild = command.replace('npx esbuild', JSON.stringify(join(root, 'node_modules/.bin/esbuild')))
      const { stderr } = await promisify(execFile)('bash', ['-c', `${esbuild.trim()} --log-level=warning`], {
        cwd: place,
      })
      expect(stderr).to.equal('')
      const [, outfile = 'dist/index.mjs'] = /--outfile=(\S+)/.exec(command) ?? []
      const runtime = join(place, 'runtime.mjs')
      writeFileSync(
        runtime,
        `import { createInterface } from 'node:readline'
const { handler } = await import(process.env.HANDLER).then(loaded => (loaded.handler ? loaded : loaded.default))
for await (const sql of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await handler({ sql }).catch(error => [{ error: error.message }])))
process.exit()\n`,
      )
      const { host } = emulator.poolConfig('serverless')
      const env = { REDSHIFT_HOST: host, HANDLER: pathToFileURL(join(place, outfile)).href }
      const lambda = new Example(runtime.slice(root.length), emulator, { env })
      try {
        const ask = async (): Promise<{ name?: string; id?: number }> => {
          const [row] = JSON.parse(await lambda.ask('select current_user as name, pg_backend_pid() as id'))
          return row
        }
        const first = await ask()
        expect(first.name).to.equal('IAMR:analyst')
        await emulator.query(`select pg_terminate_backend(${first.id})`)
        // A query that is sent before the process has read the end fails with the connection.
        let next = await ask()
        while (next.id === undefined || next.id === first.id) next = await ask()
        expect(next.name).to.equal('IAMR:analyst')
        expect(await lambda.end()).to.include({ code: 0, signal: null })
      } finally {
        lambda.kill()
      }
    })
})
