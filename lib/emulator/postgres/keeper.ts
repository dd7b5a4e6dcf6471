import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'

/**
 * A small process that outlives this one by a moment. When its input ends, because the emulator is closed or because this process
 * ended in whatever way, it stops the server and removes the folder. So no exit hooks and no signal handlers are needed here.
 *
 * It is told process ids, the first with its start, further ones a line each: the last one is to be stopped; 0 for none.
 */
const program = `
const { existsSync, rmSync } = require('node:fs')
const [, folder, first] = process.argv
let pid = Number(first)
let text = ''
const send = signal => { try { if (pid) process.kill(pid, signal); return pid !== 0 } catch { return false } }
const sleep = () => new Promise(resolve => setTimeout(resolve, 10))
const finish = async () => {
  const lock = folder + '/data/postmaster.pid'
  const isServer = existsSync(lock)
  send(process.platform === 'win32' ? 'SIGKILL' : isServer ? 'SIGQUIT' : 'SIGTERM')
  // The lock file goes last. Where nobody reaps the dead, a process that has ended still answers to signals.
  for (let i = 0; i < 1000 && send(0) && (!isServer || existsSync(lock)); i++) await sleep()
  // Ten seconds are over: it does not end by itself.
  if (isServer ? existsSync(lock) : send(0)) send('SIGKILL')
  for (let i = 0; i < 200 && existsSync(folder); i++) {
    try { rmSync(folder, { recursive: true, force: true }) } catch { await sleep() }
  }
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
process.stdin.setEncoding('utf8')
process.stdin.on('data', chunk => {
  const lines = (text + chunk).split('\\n')
  text = lines.pop()
  for (const line of lines) pid = Number(line)
})
process.stdin.on('error', () => {})
process.stdin.on('close', () => finish().finally(() => process.exit()))
process.stdout.on('error', () => {})
process.stdout.write('ready')
`

/** Cleans up behind a server. */
export class Keeper {
  readonly #folder: string
  #child: ChildProcess | undefined
  #started: Promise<void> = Promise.resolve()
  #pid = 0
  #finished = false

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** Resolves when it is at work; rejects if it cannot be started. */
  static async start(folder: string): Promise<Keeper> {
    const keeper = new Keeper(folder)
    await keeper.#start()
    return keeper
  }

  /** Names the process to stop; undefined when it has ended. */
  watch(pid: number | undefined): void {
    this.#pid = pid ?? 0
    this.#child?.stdin?.write(`${this.#pid}\n`)
  }

  /** Stops it, removes the folder, and resolves when that is done. */
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
    // Detached: a Ctrl-C in the terminal goes to every process in the foreground, and must not end this one before its work.
    const child = spawn(process.execPath, ['-e', program, this.#folder, String(this.#pid)], {
      detached: true,
      windowsHide: true,
      stdio: ['pipe', 'pipe', 'ignore'],
      env: withoutNodeOptions(),
    })
    child.stdin.on('error', () => {})
    await Promise.race([once(child.stdout, 'data'), failure(child)])
    this.#child = child
    // It may be another one by now.
    this.watch(this.#pid)
    child.once('exit', () => this.#replace())
    child.unref()
    unref(child.stdin)
    unref(child.stdout)
  }

  /** Somebody killed it: while this process lives, there is a keeper. */
  #replace(): void {
    this.#child = undefined
    if (!this.#finished) this.#started = this.#start().catch(() => {})
  }
}

async function failure(child: ChildProcess): Promise<never> {
  const [code] = await once(child, 'exit')
  throw new Error(`The process that cleans up behind the server ended with code ${code}.`)
}

/** A pipe is a socket, whatever its type says. */
function unref(pipe: Writable | Readable): void {
  if (pipe instanceof Socket) pipe.unref()
}

/** Loaders and coverage of this process are no business of that one. */
function withoutNodeOptions(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env
  return env
}
