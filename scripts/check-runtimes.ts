/**
 * Runs the heart of the specs on other releases of Node.js than the one at hand, each brought by its npm package. Where a release
 * cannot be had (another platform, no network), it says so and goes on: the workflows run them all.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const RELEASES = [22, 24, 26]
const SPECS = ['password', 'client', 'api'].map(name => `spec/${name}.spec.ts`)

const root = fileURLToPath(new URL('..', import.meta.url))
const current = Number(process.versions.node.split('.')[0])

function nodeOf(release: number): string | undefined {
  const prefix = join(root, `.cache/node-${release}`)
  const name = `node-${process.platform}-${process.arch}`
  const binary = join(prefix, `node_modules/${name}/bin/node`)
  if (existsSync(binary)) return binary
  mkdirSync(prefix, { recursive: true })
  const install = ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', `${name}@${release}`]
  spawnSync('npm', install, { stdio: 'ignore', shell: process.platform === 'win32' })
  return existsSync(binary) ? binary : undefined
}

for (const release of RELEASES.filter(release => release !== current)) {
  const node = nodeOf(release)
  if (!node) {
    console.log(`NOT RUN on Node.js ${release}: its npm package could not be had here.`)
    continue
  }
  console.log(`Node.js ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`)
  const { status } = spawnSync(node, ['node_modules/mocha/bin/mocha.js', '--reporter', 'dot', ...SPECS], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) process.exitCode = 1
}
