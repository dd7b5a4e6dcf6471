import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/**
 * A small process that outlives this one by a moment. When its input ends, because the emulator is closed or because this process
 * ended in whatever way, it stops the server and removes the folder. So no exit hooks and no signal handlers are needed here.
 *
 * It is told process ids, one a line: the last one is to be stopped; 0 for none.
 */
const program = `
const { existsSync, rmSync } = require('node:fs')
const folder = process.argv[1]
let pid = 0
let text = ''
const send = signal => { try { if (pid) process.kill(pid, signal); return pid !== 0 } catch { return false } }
const sleep = () => new Promise(resolve => setTimeout(resolve, 10))
const finish = async () => {
  const lock = folder + '/data/postmaster.pid'
  const isServer = existsSync(lock)
  send(process.platform === 'win32' ? 'SIGKILL' : isServer ? 'SIGQUIT' : 'SIGTERM')
  // The lock file goes last. Where nobody reaps the dead, a process that has ended still answers to signals.
  for (let i = 0; i < 1000 && send(0) && (!isServer || existsSync(lock)); i++) await sleep()
  if (isServer && existsSync(lock)) send('SIGKILL')
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
`

/** Cleans up behind a server. */
export interface Keeper {
  /** Names the process to stop; undefined when it has ended. */
  watch(pid: number | undefined): void
  /** Stops it, removes the folder, and resolves when that is done. */
  finish(): Promise<void>
}

export function startKeeper(folder: string): Keeper {
  // Detached: a Ctrl-C in the terminal goes to every process in the foreground, and must not end this one before its work.
  const child = spawn(process.execPath, ['-e', program, folder], {
    detached: true,
    windowsHide: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: withoutNodeOptions(),
  })
  const exited = new Promise<void>(resolve => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  child.stdin.on('error', () => {})
  child.unref()
  unrefPipe(child.stdin as Socket)
  return {
    watch: pid => void child.stdin.write(`${pid ?? 0}\n`),
    finish: async () => {
      child.ref()
      child.stdin.end()
      await exited
    },
  }
}

function unrefPipe(pipe: Socket): void {
  pipe.unref()
}

/** Loaders and coverage of this process are no business of that one. */
function withoutNodeOptions(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_V8_COVERAGE: _coverage, ...env } = process.env
  return env
}
