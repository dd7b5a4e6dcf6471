import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { constants } from 'node:os'
import { isatty } from 'node:tty'
import { EXIT_CODES } from './terminal/exit-codes.js'
import { codeOf } from './terminal/failure.js'

/** Signals that are passed on to the command. Those of a terminal also reach it directly. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']
const TERMINAL_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']

/** Signals that end this process without a core file, which would contain the password and the AWS keys. */
const ENDING_SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGKILL']

/** How a command ended. */
export interface CommandEnd {
  readonly code: number
  readonly signal: NodeJS.Signals | null
}

/** A command that shares this process's input and output, and receives its signals. */
export interface RunningCommand {
  readonly pid: number | undefined
  /** Never rejects: if the command cannot be started, a message is printed and the exit code is that of a shell. */
  readonly ended: Promise<CommandEnd>
}

export function startCommand(command: string, parameters: readonly string[], env: NodeJS.ProcessEnv): RunningCommand {
  let child: ChildProcess
  try {
    child = spawn(command, parameters, { stdio: 'inherit', env })
  } catch (error) {
    // Node.js throws some errors, such as E2BIG, and emits others, such as ENOENT.
    return { pid: undefined, ended: Promise.resolve(reportSpawnError(command, error)) }
  }
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal)
  }
  // On a terminal, Ctrl-C already reaches the command, which decides what to do. Node.js does not report who sent a signal.
  const fromTerminal = isOnTerminal() ? (): void => {} : forward
  for (const signal of SIGNALS) process.on(signal, forward)
  for (const signal of TERMINAL_SIGNALS) process.on(signal, fromTerminal)
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, forward)
    for (const signal of TERMINAL_SIGNALS) process.off(signal, fromTerminal)
  }
  const ended = new Promise<CommandEnd>(resolve => {
    child.on('error', error => {
      // A command that runs as another user, such as sudo, cannot be signalled. It is still running.
      if (child.pid !== undefined) return
      release()
      resolve(reportSpawnError(command, error))
    })
    child.once('exit', (code, signal) => {
      release()
      resolve({ code: code ?? 128 + (signal ? constants.signals[signal] : 0), signal })
    })
  })
  return { pid: child.pid, ended }
}

/** Also true if all streams are redirected. `process.stdin` would make the command's standard input non-blocking. */
function isOnTerminal(): boolean {
  // Windows has no /dev/tty.
  if (isatty(0) || isatty(1) || isatty(2)) return true
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

/** Ends this process as the command ended: with its exit code, or by its signal. */
export function endLike({ code, signal }: CommandEnd): void {
  process.exitCode = code
  if (signal && ENDING_SIGNALS.includes(signal)) process.kill(process.pid, signal)
}

function reportSpawnError(command: string, error: unknown): CommandEnd {
  process.stderr.write(`pg-redshift-iam: ${explainSpawnError(command, error)}\n`)
  return { code: codeOf(error) === 'ENOENT' ? EXIT_CODES.notFound : EXIT_CODES.notExecutable, signal: null }
}

function explainSpawnError(command: string, error: unknown): string {
  const name = JSON.stringify(command)
  switch (codeOf(error)) {
    case 'ENOENT':
      return `The command ${name} was not found. Install it, or give its path.`
    case 'EACCES':
      return `The command ${name} cannot be executed. Check its permissions.`
    default:
      return `The command ${name} could not be started (${codeOf(error) ?? String(error)}). Check its path and its arguments.`
  }
}
