import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import type { Flags } from './flags.js'
import { connectionOf, libpqVariables, MISLEADING } from './login/connection.js'
import { fetchLogin, openSource } from './login/login.js'
import { toOptions } from './login/options.js'
import { EXIT_CODES } from './terminal/exit-codes.js'
import { codeOf } from './terminal/failure.js'

/** Passed on to the command. What a terminal sends reaches the command by itself. */
const SIGNALS: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']
const TERMINAL_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']

/** `exec`: runs a command that finds the login in its environment, and ends as the command ends. */
export async function exec(
  flags: Flags,
  command: string,
  parameters: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<void> {
  const options = toOptions(flags, 'connect')
  const source = await openSource(flags, options)
  let variables: Record<string, string>
  try {
    const login = await fetchLogin(source)
    variables = libpqVariables(await connectionOf(source, login, options.dbName ?? options.database))
  } finally {
    await source.close()
  }
  const inherited = Object.entries(env).filter(([name]) => !MISLEADING.includes(name))
  const child = spawn(command, parameters, {
    stdio: 'inherit',
    env: { ...Object.fromEntries(inherited), ...variables },
  })
  await ended(child, command)
}

/** Resolves when the command has ended and this process is about to end in the same way. */
function ended(child: ChildProcess, command: string): Promise<void> {
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal)
  }
  // On a terminal, Ctrl-C goes to the whole group: the command is told already, and decides. Who sent a signal, Node does not tell.
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  const fromTerminal = onTerminal ? (): void => {} : forward
  for (const signal of SIGNALS) process.on(signal, forward)
  for (const signal of TERMINAL_SIGNALS) process.on(signal, fromTerminal)
  const release = (): void => {
    for (const signal of SIGNALS) process.off(signal, forward)
    for (const signal of TERMINAL_SIGNALS) process.off(signal, fromTerminal)
  }
  return new Promise(resolve => {
    child.once('error', error => {
      release()
      process.stderr.write(`pg-redshift-iam: ${whyNotRun(command, error)}\n`)
      process.exitCode = codeOf(error) === 'ENOENT' ? EXIT_CODES.notFound : EXIT_CODES.notExecutable
      resolve()
    })
    child.once('exit', (code, signal) => {
      release()
      process.exitCode = code ?? 128 + (signal ? constants.signals[signal] : 0)
      // Whoever waits for this process sees that the command died of a signal.
      if (signal) process.kill(process.pid, signal)
      resolve()
    })
  })
}

function whyNotRun(command: string, error: Error): string {
  const name = JSON.stringify(command)
  switch (codeOf(error)) {
    case 'ENOENT':
      return `The command ${name} was not found. Install it, or give its path.`
    case 'EACCES':
      return `The command ${name} may not be executed. Check its permissions.`
    default:
      return `The command ${name} could not be started: ${error.message}.`
  }
}
