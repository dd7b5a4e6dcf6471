import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

/**
 * A small process that outlives this one briefly. When its input ends, because the emulator was closed or this process has ended in any
 * way, it stops the server and removes the folder. So this process needs no exit hooks and no signal handlers.
 *
 * It receives process ids: the first one as an argument, others as lines. It stops the last one; 0 means none.
 */
const program = `
const { existsSync, rmSync } = require('node:fs')
const [, folder, first] = process.argv
let pid = Number(first)
let rest = ''
const send = signal => { try { if (pid) process.kill(pid, signal); return pid !== 0 } catch { return false } }
const sleep = () => new Promise(resolve => setTimeout(resolve, 10))
const finish = async () => {
  const lock = folder + '/data/postmaster.pid'
  const isServer = existsSync(lock)
  send(process.platform === 'win32' ? 'SIGKILL' : isServer ? 'SIGQUIT' : 'SIGTERM')
  // The server removes its lock file last. In a container without an init process, a process that has ended still receives signals.
  for (let i = 0; i < 1000 && send(0) && (!isServer || existsSync(lock)); i++) await sleep()
  // It has not ended within ten seconds.
  if (isServer ? existsSync(lock) : send(0)) send('SIGKILL')
  for (let i = 0; i < 200 && existsSync(folder); i++) {
    try { rmSync(folder, { recursive: true, force: true }) } catch { await sleep() }
  }
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
process.stdin.setEncoding('utf8')
process.stdin.on('data', chunk => {
  const lines = (rest + chunk).split('\\n')
  rest = lines.pop()
  for (const line of lines) pid = Number(line)
})
process.stdin.on('error', () => {})
process.stdin.on('close', () => finish().finally(() => process.exit()))
process.stdout.on('error', () => {})
process.stdout.write('ready')
`

/** Stops a process and removes a folder, even if this process is killed. */
export class CleanupProcess {
  readonly #folder: string
  #child: ChildProcess | undefined
  #started: Promise<void> = Promise.resolve()
  #pid = 0
  #finished = false

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Resolves when it runs; rejects if it cannot be started. */
  static async start(folder: string): Promise<CleanupProcess> {
    const cleanup = new CleanupProcess(folder)
    await cleanup.#start()
    return cleanup
  }

  /** Sets the process to stop; undefined for none. */
  watch(pid: number | undefined): void {
    this.#pid = pid ?? 0
    this.#child?.stdin?.write(`${this.#pid}\n`)
  }

  /** Stops the process and removes the folder. Resolves when that is done. */
  async finish(): Promise<void> {
    this.#finished = true
    await this.#started
    const child = this.#child
    if (!child) return
    const exited = once(child, 'exit')
    child.ref()
    child.stdin?.end()
    await exited
  }

  async #start(): Promise<void> {
    // Detached, because a Ctrl-C in the terminal ends every process in the foreground.
    const child = spawn(process.execPath, ['-e', program, this.#folder, String(this.#pid)], {
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: withoutNodeOptions(),
    })
    child.stdin.on('error', () => {})
    await Promise.race([once(child.stdout, 'data'), failure(child)])
    this.#child = child
    // The process to stop may have changed in the meantime.
    this.watch(this.#pid)
    child.once('exit', () => this.#replace())
    child.unref()
    unref(child.stdin)
    unref(child.stdout)
  }

  /** Starts another one if it was killed. */
  #replace(): void {
    this.#child = undefined
    if (!this.#finished) this.#started = this.#start().catch(() => {})
  }
}

async function failure(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit')
  throw new Error(`The process that cleans up after the server ended with code ${code}.`)
}

/** Pipes are sockets, although their type does not say so. */
function unref(pipe: Writable | Readable): void {
  if (pipe instanceof Socket) pipe.unref()
}

/** The cleanup process needs no loaders and no coverage. */
function withoutNodeOptions(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env
  return env
}
