/**
 * npm run check:package [-- --only jest-30,nestjs-11]
 * npm run check:runtimes [-- --only node-22,bun]
 *
 * Installs the packed package into empty projects and uses it with each tool in its default configuration.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startRedshiftEmulator } from '../../lib/emulator/index.js'
import { root } from '../entries.js'
import type { Row, Setting } from './project.js'
import { rows } from './rows.js'

/** A row spends most of its time in npm and the compiler, which keep one core busy each. */
const AT_ONCE = 2

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { only: { type: 'string' } }, allowPositionals: true })
  const [table = '', ...others] = positionals
  if ((table !== 'package' && table !== 'runtimes') || others.length > 0)
    throw new Error('The argument is package or runtimes. Choose rows with --only.')
  const left = chosen(rows[table], values.only?.split(','))
  const folder = mkdtempSync(join(tmpdir(), 'pg-redshift-iam-check-'))
  await using emulator = await startRedshiftEmulator()
  try {
    const ca = join(folder, 'ca.pem')
    writeFileSync(ca, [emulator.ca, ...othersCas()].join('\n'))
    const setting: Setting = {
      folder,
      tarball: pack(folder),
      env: {
        ...emulator.environment(ca),
        // On Node.js 20, the SDK warns that its releases of 2027 need a newer version.
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
    }
    const work = async (): Promise<void> => {
      for (let row = left.shift(); row; row = left.shift()) await runRow(row, setting)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Additional root certificates that this host needs for its registry. */
function othersCas(): string[] {
  const file = process.env.NODE_EXTRA_CA_CERTS
  return file ? [readFileSync(file, 'utf8')] : []
}

function chosen(rows: readonly Row[], names: readonly string[] | undefined): Row[] {
  const unknown = names?.filter(name => !rows.some(row => row.name === name)) ?? []
  if (unknown.length > 0)
    throw new Error(`There is no ${unknown.join(', ')}, only ${rows.map(({ name }) => name).join(', ')}.`)
  return rows.filter(({ name }) => names?.includes(name) ?? true)
}

function pack(folder: string): string {
  const args = ['pack', '--json', '--pack-destination', folder]
  const [packed] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' }))
  return join(folder, packed.filename)
}

async function runRow({ name, run }: Row, setting: Setting): Promise<void> {
  const began = performance.now()
  const seconds = () => `${((performance.now() - began) / 1000).toFixed(1)} s`
  try {
    const note = await run(setting)
    console.log(`✔ ${name} (${seconds()})${typeof note === 'string' ? `: ${note}` : ''}`)
  } catch (error) {
    console.log(`✖ ${name} (${seconds()}): ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
}

await run()
