import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from '../entries.js'
import { EXPECTED, SAME, SAME_EXPECTED, writePrograms } from './program.js'
import { expectOutput, Project, type Row, type Setting } from './project.js'

/** The oldest supported version, and each maintained release line. */
const RELEASES = ['20.19.0', '20', '22', '24', '26']
/** The specs that run on each release. The CI workflow runs all specs on most of them. */
const SPECS = ['pg/password', 'pg/client', 'aws/api'].map(name => `spec/${name}.spec.ts`)

/** Installs the npm package with a runtime's binary, outside the project that it runs. */
async function runtime(setting: Setting, name: string, packages: readonly string[], binary: string): Promise<string> {
  const project = new Project(setting, `runtime-${name}`)
  await project.run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages])
  return join(project.folder, 'node_modules', binary)
}

async function onNode(setting: Setting, release: string): Promise<string> {
  const name = `node-${process.platform}-${process.arch}`
  const node = await runtime(setting, `node-${release}`, [`${name}@${release}`], `${name}/bin/node`)
  const project = new Project(setting, `node-${release}`)
  await project.install('pg')
  for (const file of writePrograms(project))
    expectOutput(await project.run(node, ['--throw-deprecation', file]), EXPECTED)
  const mocha = ['node_modules/mocha/bin/mocha.js', '--reporter', 'dot', ...SPECS]
  const { status, stdout } = spawnSync(node, mocha, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(stdout)
  return (await project.run(node, ['--version'])).trim()
}

async function onBun(setting: Setting): Promise<string> {
  const system = `@oven/bun-${process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`
  const bun = await runtime(setting, 'bun', ['bun', `${system}@latest`], `${system}/bin/bun`)
  const project = new Project(setting, 'bun')
  await project.install('pg')
  for (const file of writePrograms(project)) expectOutput(await project.run(bun, [file]), EXPECTED)
  project.write('same.mjs', SAME)
  expectOutput(await project.run(bun, ['same.mjs']), SAME_EXPECTED)
  return (await project.run(bun, ['--version'])).trim()
}

async function onDeno(setting: Setting): Promise<string> {
  const system = `@deno/${process.platform}-${process.arch}${process.platform === 'linux' ? '-glibc' : ''}`
  const deno = await runtime(setting, 'deno', ['deno', `${system}@latest`], `${system}/deno`)
  const project = new Project(setting, 'deno')
  await project.install('pg')
  const env = { DENO_CERT: setting.env.NODE_EXTRA_CA_CERTS ?? '', DENO_NO_UPDATE_CHECK: '1' }
  for (const file of writePrograms(project))
    expectOutput(await project.run(deno, ['run', '--no-lock', '--allow-all', file], env), EXPECTED)
  project.write('same.mjs', SAME)
  expectOutput(await project.run(deno, ['run', '--no-lock', '--allow-all', 'same.mjs'], env), SAME_EXPECTED)
  return (await project.run(deno, ['--version'])).trim().split('\n')[0] ?? ''
}

/** Other runtimes, installed from their npm packages. */
export const runtimes: readonly Row[] = [
  ...RELEASES.map(release => ({ name: `node-${release}`, run: (setting: Setting) => onNode(setting, release) })),
  { name: 'bun', run: onBun },
  { name: 'deno', run: onDeno },
]
